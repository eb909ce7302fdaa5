"""The price table: dated, overridden by the user's, and honest about what it does not know."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from profiler.llm.prices import Price, load_prices
from store.errors import DataError


def test_cost_of_a_call() -> None:
    assert load_prices().cost("openai:gpt-4o-mini", 1_000_000, 1_000_000) == pytest.approx(0.75)


def test_a_dated_name_has_the_price_of_the_model() -> None:
    prices = load_prices()
    assert prices.of("openai:gpt-4o-mini-2024-07-18") == prices.of("openai:gpt-4o-mini")
    assert prices.of("openai:gpt-4o-mini-turbo") is None


@pytest.mark.parametrize("tokens", [(None, 1), (1, None), (None, None)])
def test_unknown_stays_unknown(tokens: tuple[int | None, int | None]) -> None:
    assert load_prices().cost("openai:gpt-4o-mini", *tokens) is None
    assert load_prices().cost("nobody:knows", 1, 1) is None


def test_offline_is_free() -> None:
    assert load_prices().cost("offline", 10, 10) == 0


def test_the_users_table_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(
        "as_of: 2026-11-01\nmodels:\n  openai:gpt-4o-mini: {input: 9, output: 0}\n"
        "  vllm:mine: {input: 0, output: 0}\n"
    )
    prices = load_prices(file)
    assert prices.cost("openai:gpt-4o-mini", 1_000_000, 5) == 9
    assert prices.cost("vllm:mine", 10, 5) == 0
    assert prices.of("openai:gpt-4o") is not None
    assert prices.dates["vllm:mine"].isoformat() == "2026-11-01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models: {}",
        "as_of: 2026-01-01\nmodels: {a: {input: -1, output: 0}}",
        "as_of: 2026-01-01\nmodels: {a: {input: .nan, output: 0}}",
        "{",
        "as_of: 2026-02-31\nmodels: {a: {input: 1, output: 0}}",
        "as_of: 2026-01-01\nmodels: {a: &p {input: 1, output: 0}, b: *p}",
        "as_of: 2026-01-01\nmodels: {a: {input: 1, input: 2, output: 0}}",
        "as_of: 2026-01-01\nmodels: " + "[" * 5000,
        "as_of: 2026-01-01\nmodels: {a: {input: 1, output: 0, cheaper: 2}}",
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(DataError, match="is not a price table"):
        load_prices(file)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        load_prices(tmp_path / "none.yaml")


def test_an_old_price_is_pointed_out() -> None:
    prices = load_prices()
    day = prices.date_of("openai:gpt-4o-mini-2024-07-18")
    assert day is not None
    assert "OpenAI" in str(prices.source_of("openai:gpt-4o-mini-2024-07-18"))
    assert prices.warning("openai:gpt-4o-mini", day + timedelta(days=180)) is None
    warning = str(prices.warning("openai:gpt-4o-mini", day + timedelta(days=240)))
    assert "8 months old" in warning
    assert "--prices FILE" in warning
    assert prices.warning("nobody:knows", day + timedelta(days=999)) is None


def test_the_users_table_is_its_own_source(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("as_of: 2026-11-01\nmodels:\n  vllm:mine: {input: 1, output: 0}\n")
    prices = load_prices(file)
    assert prices.source_of("vllm:mine") == "mine.yaml"
    assert prices.dated("vllm:mine", 0.1) == {"prices_of": "2026-11-01"}
    assert prices.dated("vllm:mine", 0.0) == prices.dated("nobody:knows", None) == {}


def test_a_cached_prompt_and_a_batch_cost_less() -> None:
    price = Price(input=2.0, output=8.0, cached=0.5, batch=0.5)
    assert price.cost(1_000_000, 0) == 2.0
    assert price.cost(1_000_000, 0, 1_000_000) == 0.5
    assert price.cost(1_000_000, 1_000_000, 500_000) == pytest.approx(1.0 + 0.25 + 8.0)
    assert price.cost(1_000_000, 1_000_000, batch=True) == pytest.approx(5.0)
    plain = Price(input=2.0, output=8.0)
    assert plain.cost(1_000_000, 0, 1_000_000, batch=True) == 2.0, "no discount is guessed"


def test_a_server_on_this_machine_costs_nothing_but_by_the_users_own_table(tmp_path: Path) -> None:
    # A known model's name on the user's own server was billed at OpenAI's list price.
    here, model = "http://127.0.0.1:11434/v1", "openai:gpt-4o-mini"
    assert load_prices().at(None).cost(model, 1_000_000, 0) == pytest.approx(0.15)
    assert load_prices().at(here).cost(model, 1_000_000, 0) == 0
    assert load_prices().at(here).cost("openai:anything", 1_000_000, 0) == 0
    assert load_prices().at(here).date_of(model) is None
    file = tmp_path / "prices.yaml"
    file.write_text("as_of: 2026-11-01\nmodels: {openai:gpt-4o-mini: {input: 9, output: 9}}")
    assert load_prices(file).at(here).cost(model, 1_000_000, 0) == 9


def test_a_list_price_at_another_address_is_said(tmp_path: Path) -> None:
    prices, model = load_prices(), "openai:gpt-4o-mini"
    told = prices.elsewhere(model, "https://gateway.example.org/v1")
    assert told is not None
    assert "gateway.example.org" in told
    for base_url in (None, "https://eu.api.openai.com/v1", "http://localhost:1/v1"):
        assert prices.elsewhere(model, base_url) is None
    file = tmp_path / "prices.yaml"
    file.write_text("as_of: 2026-11-01\nmodels: {openai:gpt-4o-mini: {input: 9, output: 9}}")
    assert load_prices(file).elsewhere(model, "https://gateway.example.org/v1") is None
