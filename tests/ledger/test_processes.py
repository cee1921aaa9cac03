from __future__ import annotations

import os
import signal
import subprocess
import sys

from crawlers.ledger import processes


def test_this_process_is_alive():
    assert processes.is_alive(os.getpid(), processes.started(os.getpid()))


def test_a_process_is_told_from_a_later_one_of_the_same_id():
    if processes.started(os.getpid()) is not None:
        assert not processes.is_alive(os.getpid(), "12345")


def test_a_process_without_a_start_time_is_known_by_its_id():
    assert processes.is_alive(os.getpid(), None)


def test_a_killed_process_is_dead_even_before_its_parent_took_note():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    start = processes.started(process.pid)
    assert processes.is_alive(process.pid, start)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    if start is not None:  # without /proc a zombie cannot be told from a process
        assert not processes.is_alive(process.pid, start)
    process.wait()
    assert not processes.is_alive(process.pid, start)
    assert processes.started(process.pid) is None


def test_the_machine_is_the_same_for_all_processes_on_it():
    code = "from crawlers.ledger import processes; print(processes.machine())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == processes.machine()
    assert len(other.split("/")) == 3
