"""Options of ``profiler``: each is declared once, and those that belong together are one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from profiler.choices import Cut, HistoryVector, ItemText, JsonMethod
from store.console.options import given, option
from store.data.readers.base.choices import DateOrder

if TYPE_CHECKING:
    from profiler.asking.options import AskingOptions
    from profiler.llm.budget import Caps
    from profiler.llm.port import ChatPort
    from profiler.llm.prices import Prices
    from prompts import Template
    from store.data.readers.base.options import ReadOptions

_REPEATED = ("keep", "minimum")

Source = Annotated[
    Path, typer.Argument(help="A folder or file of interactions.", show_default=False)
]
User = Annotated[str, typer.Argument(help="User id as in the data.", show_default=False)]
Interest = Annotated[
    int, typer.Argument(help="Id of the interest.", min=0, max=2**63 - 1, show_default=False)
]
StoredEncoder = Annotated[
    str | None,
    option("The store's sentence encoder, where it is not the built-in one.", "--encoder"),
]
Seed = Annotated[int | None, option("Decides everything random.", "--seed", default="0")]
OnlyPending = Annotated[
    bool,
    option(
        "Leave subjects whose interests another model, the extractor or another prompt made.",
        "--only-pending",
    ),
]
TemplateFolder = Annotated[
    Path | None, option("Folder of templates that take the place of ours by name.", "--prompts")
]
PricesFile = Annotated[
    Path | None,
    option("Price table whose entries take the place of the built-in ones.", "--prices"),
]
TokenBudget = Annotated[
    int | None, option("Most tokens of a prompt's item list.", min=1, default="6000")
]
CutOption = Annotated[
    Cut | None,
    option("Items that stay in a long list: the recent ones or a spread.", default="recent"),
]


@dataclass(frozen=True)
class DataOptions:
    """How to read a source."""

    HEADING: ClassVar[str] = "Reading the data"

    items: Annotated[Path | None, option("File with item titles and categories.")] = None
    format: Annotated[
        str | None,
        option(
            "movielens, amazon, recbole, csv, tsv or parquet.", default="detected by its content"
        ),
    ] = None
    user_column: Annotated[str | None, option("Column of user ids.", default="user_id")] = None
    item_column: Annotated[str | None, option("Column of item ids.", default="item_id")] = None
    time_column: Annotated[str | None, option("Column of times.", default="timestamp")] = None
    position_column: Annotated[
        str | None, option("Column of places in the history.", default="position")
    ] = None
    title_column: Annotated[str | None, option("Column of item titles.", default="title")] = None
    categories_column: Annotated[
        str | None, option("Column of item categories.", default="categories")
    ] = None
    item_file_column: Annotated[
        str | None,
        option("Column of item ids in the item file.", default="that of the interactions"),
    ] = None
    category_separator: Annotated[
        str | None, option("What stands between categories.", default="told by the column")
    ] = None
    separator: Annotated[
        str | None, option("What stands between columns of text.", default="detected")
    ] = None
    encoding: Annotated[
        str | None, option("Encoding of text, such as cp1250.", default="detected")
    ] = None
    header: Annotated[
        bool | None,
        option(
            "Whether text begins with column names; without, columns are numbered from 1.",
            "--header/--no-header",
            default="detected",
        ),
    ] = None
    date_order: Annotated[
        DateOrder | None,
        option("How to read 01/02/2014.", default="told by other dates of the column"),
    ] = None
    keep: Annotated[
        list[str] | None,
        option("Keep rows by a column's value, such as event=purchase,cart. Repeatable.", "--keep"),
    ] = None
    minimum: Annotated[
        list[str] | None,
        option("Keep rows with at least a number, such as rating=4. Repeatable.", "--min"),
    ] = None
    max_bytes: Annotated[
        int | None,
        option("Largest size of a file, unpacked, in bytes.", min=1, default="4 GiB"),
    ] = None

    def read_options(self) -> ReadOptions:
        """Return them as the readers take them."""
        from store.data.readers.base.options import ReadOptions

        lists = {name: tuple(value) for name, value in given(self).items() if name in _REPEATED}
        return ReadOptions(**given(self) | lists)


@dataclass(frozen=True)
class PreparingOptions:
    """What of the data is kept, and what is held back."""

    HEADING: ClassVar[str] = "Filter and split"

    filter: Annotated[
        str | None,
        option(
            "none, once:N (items, then users, with N or more) or core:N (k-core).", default="none"
        ),
    ] = None
    split: Annotated[
        str | None,
        option(
            "leave-one-out (trains on what others did after a user's target), users-811, "
            "time:DATE (no such leak), none, or a file of user_id and split.",
            default="leave-one-out",
        ),
    ] = None
    split_seed: Annotated[
        int | None, option("Seed of the user shuffle of users-811.", default="1230")
    ] = None
    drop_repeats: Annotated[
        bool | None,
        option(
            "Leave out interactions that repeat another one exactly.",
            "--drop-repeats/--keep-repeats",
            default="keep-repeats",
        ),
    ] = None
    max_history: Annotated[
        int | None, option("Latest interactions of a user to keep, at most.", min=1, default="all")
    ] = None


@dataclass(frozen=True)
class VectorOptions:
    """How items and histories become vectors."""

    HEADING: ClassVar[str] = "Vectors"

    encoder: Annotated[
        str | None, option("Sentence encoder: name or folder.", default="all-MiniLM-L6-v2")
    ] = None
    item_text: Annotated[
        ItemText | None, option("What is encoded of an item.", default="title+categories")
    ] = None
    history: Annotated[
        HistoryVector | None,
        option("History vector: mean of the items' vectors, or text (the paper).", default="mean"),
    ] = None


@dataclass(frozen=True)
class ChoosingOptions:
    """Whom to ask about."""

    HEADING: ClassVar[str] = "Exemplars and synthetic users"

    share: Annotated[float | None, option("Share of users to be exemplars.", default="0.03")] = None
    exemplars: Annotated[int | None, option("Number of exemplars at most.")] = None
    exemplars_usd: Annotated[
        float | None,
        option("Choose as many exemplars as this many dollars are expected to pay for."),
    ] = None
    preference: Annotated[float | None, option("Preference p, below 0.")] = None
    damping: Annotated[float | None, option("Damping of the messages.", default="0.5")] = None
    synthetic_users: Annotated[
        int | None,
        option("Synthetic users at most; 0 for none.", default="3 % of the users"),
    ] = None
    max_titles: Annotated[int | None, option("Items a synthetic user may hold.", default="60")] = (
        None
    )
    seed: Seed = None


@dataclass(frozen=True)
class ModelOptions:
    """Which language model is called."""

    HEADING: ClassVar[str] = "Language model"

    llm: Annotated[
        str | None,
        option("PROVIDER:MODEL, such as openai:gpt-4o-mini; else no model is called."),
    ] = None
    base_url: Annotated[
        str | None, option("Address of an OpenAI-compatible server (vLLM, Ollama).")
    ] = None
    method: Annotated[
        JsonMethod | None, option("How JSON is asked for.", default="what the model supports")
    ] = None

    def open(self, *, to_call: bool = True) -> ChatPort | None:
        """Open the chat model of ``--llm``; ``None`` where no model is to be called.

        Without ``to_call``, as for a dry run, no key is needed.
        """
        from store.errors import UserError

        if self.llm is None:
            if self.base_url or self.method:
                raise UserError("--base-url and --method need --llm PROVIDER:MODEL")
            return None
        from profiler.llm.registry import open_chat

        return open_chat(self.llm, base_url=self.base_url, method=self.method, to_call=to_call)


@dataclass(frozen=True)
class AnswerOptions:
    """What is sent with each question."""

    HEADING: ClassVar[str] = "Questions and answers"

    max_tokens: Annotated[
        int | None, option("Most tokens of an answer.", min=1, default="2000")
    ] = None
    temperature: Annotated[float | None, option("Sampling temperature.", min=0, default="0")] = None
    token_budget: TokenBudget = None
    cut: CutOption = None


@dataclass(frozen=True)
class PromptOptions:
    """Which templates the questions are made from."""

    HEADING: ClassVar[str] = "Prompts"

    prompts: TemplateFolder = None
    exemplar_prompt: Annotated[
        str | None, option("Template for exemplars and users.", default="exemplar_interests")
    ] = None
    synthetic_prompt: Annotated[
        str | None, option("Template for synthetic users.", default="allocate_items")
    ] = None

    def templates(self) -> dict[str, Template]:
        """Load the question for each kind of subject.

        Raises
        ------
        UserError
            If a template is missing, or the folder holds one that no question uses.
        """
        from profiler.config import BuildConfig
        from prompts import load_template, refuse_unused

        questions = BuildConfig.checked(**given(self)).questions()
        refuse_unused(self.prompts, questions.values())
        found: dict[str, Template] = {
            kind: load_template(name, self.prompts) for kind, name in questions.items()
        }
        return found | {"user": found["exemplar"]}

    def correction(self) -> Template:
        """Load the template that asks again after a bad answer."""
        from prompts import load_template

        return load_template("reask", self.prompts)


@dataclass(frozen=True)
class PaceOptions:
    """How fast calls are made."""

    HEADING: ClassVar[str] = "Pace"

    concurrency: Annotated[
        int | None, option("Most calls under way at once.", min=1, default="8")
    ] = None
    rpm: Annotated[int | None, option("Most requests per minute.", min=1)] = None
    tpm: Annotated[int | None, option("Most tokens per minute.", min=1)] = None


_COVERS = "in this store, by all runs and processes together, failed calls included."


@dataclass(frozen=True)
class BudgetOptions:
    """What may be spent."""

    HEADING: ClassVar[str] = "Budget"

    budget_usd: Annotated[
        float | None, option(f"Stop before more dollars are spent {_COVERS}", min=0)
    ] = None
    budget_tokens: Annotated[
        int | None, option(f"Stop before more tokens are used {_COVERS}", min=0)
    ] = None
    budget_calls: Annotated[
        int | None, option(f"Stop before more calls are made {_COVERS}", min=0)
    ] = None
    prices: PricesFile = None

    def caps(self) -> Caps:
        """Return what may be spent in the store."""
        from profiler.llm.budget import Caps

        return Caps(self.budget_usd, self.budget_tokens, self.budget_calls)

    def price_table(self) -> Prices:
        """Load the built-in prices and the user's over them."""
        from profiler.llm.prices import load_prices

        return load_prices(self.prices)


def asking_options(
    answers: AnswerOptions,
    prompts: PromptOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    *,
    only_pending: bool = False,
) -> AskingOptions:
    """Gather how a run asks; what was not given is left to :class:`AskingOptions`."""
    from profiler.asking.conversation import ReaskPolicy
    from profiler.asking.options import AskingOptions

    settings: Mapping[str, object] = given(answers, pace)
    return AskingOptions(
        caps=budget.caps(),
        prices=budget.price_table(),
        reask_policy=ReaskPolicy(template=prompts.correction()),
        only_pending=only_pending,
        **settings,  # type: ignore[arg-type]
    )
