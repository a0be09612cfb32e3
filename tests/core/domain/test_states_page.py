"""The page of states is what the tables say."""

from __future__ import annotations

from tests.core.domain.states_page import PAGE, page


def test_the_page_of_states_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.core.domain.states_page"
