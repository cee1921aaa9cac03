"""The page budget counts answered pages, and what is on its way."""

from __future__ import annotations

from types import SimpleNamespace

from crawlers.ledger.budget import PageBudget, without_budget


def test_without_a_limit_there_is_always_more():
    budget = PageBudget()
    budget.spend(10**9)
    assert budget.left(10**6) > 10**6
    assert not budget.exhausted


def test_what_is_in_hand_counts_until_it_is_settled():
    budget = PageBudget(10)
    budget.spend(4)
    assert budget.left(0) == 6
    assert budget.left(6) == 0
    assert budget.left(9) == 0
    assert not budget.exhausted
    budget.spend(6)
    assert budget.exhausted


def test_pages_of_other_workers_count():
    budget = PageBudget(10)
    budget.spend(2)
    budget.learn(7)
    assert budget.left(0) == 3
    budget.learn(5)  # an earlier look
    assert budget.left(0) == 3
    budget.spend(3)
    assert budget.exhausted


def test_read_from_the_spiders_arguments():
    assert PageBudget.of(SimpleNamespace(args=SimpleNamespace(max_pages=5))).limit == 5
    assert PageBudget.of(SimpleNamespace(args=SimpleNamespace(max_pages=None))).limit == 0
    assert PageBudget.of(SimpleNamespace()).limit == 0


def test_a_budget_does_not_make_another_crawl_of_it():
    ours = SimpleNamespace(args=SimpleNamespace(max_pages=5))
    assert without_budget({"url": "u", "max_pages": "5"}, ours) == {"url": "u"}
    assert without_budget({"url": "u"}, ours) == {"url": "u"}


def test_an_argument_of_that_name_of_somebody_elses_spider_does():
    assert without_budget({"max_pages": "5"}, SimpleNamespace()) == {"max_pages": "5"}
