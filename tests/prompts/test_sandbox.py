"""A template text ends, whatever it says, and says where it went wrong."""

from __future__ import annotations

import time
from typing import Any

import pytest

from prompts import Template, load_template
from prompts.sandbox import fill, make_environment
from store.errors import UserError

ENDLESS = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ 'x' * 10**10 }}",
    "{{ [0] * 10**10 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ 9 ** -(10**9) }}",
    "{{ 'x'.center(10**10) }}",
    "{{ 'x' | center(10**10) }}",
    "{{ '%9999999999d' % 1 }}",
    "{{ '{:9999999999}'.format(1) }}",
    "{{ '{:{}}'.format(1, '9999999999') }}",
    "{{ '%*d' % (9999999999, 1) }}",
    "{{ '%9999999999d' | format(1) }}",
    "{% set ns = namespace(t='xxxxxxxxxx') %}"
    "{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}",
    "{% set ns = namespace(t='xxxxxxxxxx') %}"
    "{% for i in range(99) %}{% set ns.t = ns.t ~ ns.t %}{{ ns.t }}{% endfor %}",
    "{% set ns = namespace(n=99) %}"
    "{% for i in range(999) %}{% set ns.n = ns.n * ns.n %}{% endfor %}{{ ns.n }}",
    "{% for i in [[]] recursive %}{{ loop([[]]) }}{% endfor %}",
]


def template(user: str) -> Template:
    ours = load_template("reask")
    return Template(**(ours.model_dump() | {"user": user, "system": "", "variables": {}}))


@pytest.mark.parametrize("text", ENDLESS)
def test_an_endless_text_is_refused_soon(text: str) -> None:
    """Two nested ranges once kept ``build`` busy for ever."""
    started = time.process_time()
    with pytest.raises(UserError, match="template 'reask', user text, line 1"):
        template(text).render({})
    assert time.process_time() - started < 5


def rendered(text: str, **variables: Any) -> str:
    return fill(make_environment().from_string(text), **variables)


def test_loops_are_what_they_were() -> None:
    items = [{"id": number, "name": f"n{number}"} for number in range(3)]
    text = (
        "{% for one in items %}{{ loop.index }}/{{ loop.length }} {{ one.name }}"
        "{{ ', ' if not loop.last }}{% else %}none{% endfor %}"
    )
    assert rendered(text, items=items) == "1/3 n0, 2/3 n1, 3/3 n2"
    assert rendered(text, items=[]) == "none"
    assert rendered("{{ 'ab' * 2 }}{{ 2 ** 10 }}{{ '%05d' % 7 }}{{ 'a'.center(3) }}|") == (
        "abab102400007 a |"
    )
