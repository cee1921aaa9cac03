"""What is exported opens in the real tool: a project is made from the configuration, the tasks are imported as they are."""

from __future__ import annotations

import json

import pytest

from tests.flow import harness
from tests.labelstudio import label_studio
from tests.spiders.test_demo import crawl, free_port


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folder of a crawl of the shipped site."""
    data = tmp_path_factory.mktemp("data")
    result = harness.run(data, *crawl(free_port()))
    assert result.code == 0, result
    return data / "demo"


@pytest.mark.timeout(600)
def test_the_real_tool_opens_tasks_and_configuration(exported):
    tasks = json.loads((exported / "tasks.label-studio.json").read_text())
    assert len(tasks) > 50
    with label_studio() as server:
        configuration = (exported / "label-studio.xml").read_text()
        project = server.api("projects", {"title": "demo", "label_config": configuration})["id"]
        imported = server.api(f"projects/{project}/import", tasks)
        assert (imported["task_count"], imported["annotation_count"]) == (len(tasks), 0)

        listed = server.api(f"tasks?project={project}&page_size={2 * len(tasks)}")["tasks"]
        assert by_record(listed) == by_record(tasks)

        text = listed[0]["data"]["text"]
        place = {"start": 0, "end": 5, "text": text[:5], "labels": ["Person"]}
        span = {"from_name": "span", "to_name": "text", "type": "labels", "value": place}
        server.api(f"tasks/{listed[0]['id']}/annotations", {"result": [span]})
        came_home = server.api(f"projects/{project}/export?exportType=JSON&download_all_tasks=true")
        assert by_record(came_home) == by_record(tasks)
        [labelled] = [task for task in came_home if task["annotations"]]
        assert labelled["data"]["record_id"] == listed[0]["data"]["record_id"]
        assert labelled["annotations"][0]["result"][0]["value"] == place


def by_record(tasks):
    """Record id to the task's data."""
    return {task["data"]["record_id"]: task["data"] for task in tasks}
