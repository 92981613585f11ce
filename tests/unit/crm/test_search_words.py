"""What is looked for by words, and where."""

import pytest

from drippulse.crm.search import FREQUENT, index_for, read_query
from drippulse.crm.tables import RecordType

CONTACT = RecordType.CONTACT
MANY = 10 * FREQUENT


@pytest.mark.parametrize(
    ("q", "text"),
    [
        ("Ada", "'ada':*"),
        ("  Ada   Love ", "'ada' & 'love':*"),
        ("ada@acme.ex", "'ada' & 'acme'"),
        ("a & !b | (c) '\\ :*", "'a' & 'b' & 'c':*"),
        ("Zoë", "'zoë':*"),
        ("a_b", "'a' & 'b':*"),
    ],
)
def test_words_are_all_there_and_the_last_may_be_unfinished(q: str, text: str) -> None:
    query = read_query(q, addresses=True)
    assert query is not None
    assert query.text == text


@pytest.mark.parametrize(("q", "words"), [("!!! ---", 0), ("a " * 1000, 16), ("x" * 5000, 1)])
def test_a_search_is_bounded(q: str, words: int) -> None:
    query = read_query(q, addresses=False)
    assert query is not None
    assert len(query.words) == words


@pytest.mark.parametrize("q", [None, "", "  "])
def test_blank_is_no_search(q: str | None) -> None:
    assert read_query(q, addresses=True) is None


@pytest.mark.parametrize(
    ("q", "hits", "looked_up"),
    [
        ("ada l", [0, MANY, 1], ("'ada'", "'ada' & 'l':*")),
        ("ada l", [0, MANY, 2 * MANY], ("'ada' & 'l':*",)),
        ("ada lovel", [0, FREQUENT - 1, 0], ("'ada' & 'lovel':*",)),
        ("l", [0], ("'l':*",)),
        ("ada@acme.com", [0], ("'ada' & 'acme'",)),
    ],
)
def test_a_frequent_beginning_is_not_looked_up_beside_rarer_words(
    q: str, hits: list[int], looked_up: tuple[str, ...]
) -> None:
    query = read_query(q, addresses=True)
    assert query is not None
    assert index_for(CONTACT, query, hits).args == looked_up
