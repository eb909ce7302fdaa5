"""Options about questions, models and budgets: each is declared once, related ones are a group."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from profiler.choices import Cut, How, JsonMethod
from store.console.options import given, option

if TYPE_CHECKING:
    from profiler.asking.options import AskingOptions
    from profiler.llm.budget import Caps
    from profiler.llm.port import ChatPort
    from profiler.llm.prices import Prices
    from prompts import Template


def _take_words(path: Path | None) -> Path | None:
    """Take the user's words before a command starts, or drop those that an earlier one took."""
    module = "profiler.asking.answers.sensitive"
    if path is not None or module in sys.modules:
        from profiler.asking.answers.sensitive import use_private_words

        use_private_words(path)
    return path


User = Annotated[str, typer.Argument(help="User id as in the data.", show_default=False)]
Interest = Annotated[
    int, typer.Argument(help="Id of the interest.", min=0, max=2**63 - 1, show_default=False)
]
StoredEncoder = Annotated[
    str | None,
    option("The store's sentence encoder, where it is not the built-in one.", "--encoder"),
]
OnlyPending = Annotated[
    bool,
    option(
        "Skip subjects that already have interests from another model, the extractor or another "
        "prompt.",
        "--only-pending",
    ),
]
TemplateFolder = Annotated[
    Path | None,
    option("Folder of templates that replace the built-in ones of the same name.", "--prompts"),
]
PricesFile = Annotated[
    Path | None,
    option("Price table whose entries replace the built-in ones.", "--prices"),
]
PrivateWords = Annotated[
    Path | None,
    option(
        "Words of your own for the filter of private statements (docs/privacy.md).",
        "--private-words",
        envvar="PROFILER_PRIVATE_WORDS",
        show_envvar=True,
        callback=_take_words,
    ),
]
TokenBudget = Annotated[
    int | None, option("Maximum number of tokens of a prompt's item list.", min=1, default="6000")
]
CutOption = Annotated[
    Cut | None,
    option("Items that stay in a long list: the recent ones or a spread.", default="recent"),
]


ModelOption = Annotated[
    list[str] | None,
    option(
        "Further option of the model, NAME=VALUE, such as reasoning_effort=low. Repeatable.",
        "--model-option",
    ),
]
TimeoutOption = Annotated[
    float | None,
    option(
        "Maximum number of seconds of a call.",
        "--timeout",
        min=0.1,
        default="grows with the longest answer asked for",
    ),
]
Temperature = Annotated[
    str | None,
    option(
        "Sampling temperature; none sends none.",
        "--temperature",
        metavar="none|NUMBER",
        default="0",
    ),
]


def temperature_of(text: str) -> float | None:
    """The temperature that an option names.

    Raises
    ------
    UserError
        It is neither ``none`` nor a number from 0 on.
    """
    if text.strip().lower() == "none":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        from store.errors import UserError

        raise UserError(f"temperature={text!r}: write a number from 0 on, or none")
    return value


@dataclass(frozen=True)
class ModelOptions:
    """Which language model is called."""

    HEADING: ClassVar[str] = "Language model"

    llm: Annotated[
        str | None,
        option("PROVIDER:MODEL, such as openai:gpt-4o-mini; else no model is called."),
    ] = None
    then: Annotated[
        str | None, option("PROVIDER:MODEL that is asked where the first model fails.")
    ] = None
    base_url: Annotated[
        str | None, option("Address of an OpenAI-compatible server (vLLM, Ollama).")
    ] = None
    method: Annotated[
        JsonMethod | None, option("How JSON is asked for.", default="what the model supports")
    ] = None
    model_option: ModelOption = None
    timeout: TimeoutOption = None

    def open(self, *, to_call: bool = True) -> ChatPort | None:
        """Open the chat model of ``--llm``; ``None`` where no model is to be called.

        Without ``to_call``, as for a dry run, no key is needed.
        """
        from store.errors import UserError

        if self.llm is None:
            if given(self):
                raise UserError(
                    "base_url, `method`, model_option, `then` and `timeout` need "
                    "--llm PROVIDER:MODEL"
                )
            return None
        from profiler.llm.model_options import read_options
        from profiler.llm.registry import open_chat

        return open_chat(
            self.llm,
            base_url=self.base_url,
            method=self.method,
            timeout=self.timeout,
            options=read_options(self.model_option or ()),
            to_call=to_call,
        )

    def open_then(self, *, to_call: bool = True) -> ChatPort | None:
        """Open the model of ``--then``; at the same address where the provider is the same."""
        if self.then is None or self.llm is None:
            return None
        from profiler.llm.registry import open_chat

        same = self.then.partition(":")[0] == self.llm.partition(":")[0]
        return open_chat(self.then, base_url=self.base_url if same else None, to_call=to_call)


def answer_settings(temperature: str | None = None, **values: Any) -> dict[str, Any]:
    """What was given of an answer's limits and sampling; a temperature of none is None."""
    found = given(**values)
    return found if temperature is None else found | {"temperature": temperature_of(temperature)}


@dataclass(frozen=True)
class AnswerOptions:
    """What is sent with each question."""

    HEADING: ClassVar[str] = "Questions and answers"

    max_tokens: Annotated[
        int | None, option("Maximum number of tokens of an answer.", min=1, default="2000")
    ] = None
    temperature: Temperature = None
    token_budget: TokenBudget = None
    cut: CutOption = None
    language: Annotated[
        str | None,
        option("Language of labels and descriptions.", default="that of the titles"),
    ] = None
    ask_anew: Annotated[
        bool,
        option("Ask again what was already answered for an earlier release.", "--reask"),
    ] = False

    def settings(self) -> dict[str, Any]:
        """What was given, as a run takes it; a temperature of none is None."""
        return answer_settings(**vars(self))


@dataclass(frozen=True)
class PromptOptions:
    """Which templates the questions are made from."""

    HEADING: ClassVar[str] = "Prompts"

    how: Annotated[
        How | None,
        option(
            "Ask whole questions, or let the model name groups that the program makes.",
            default="whole; name for --llm local:",
        ),
    ] = None
    prompts: TemplateFolder = None
    exemplar_prompt: Annotated[
        str | None, option("Template for exemplars and users.", default="exemplar_interests")
    ] = None
    synthetic_prompt: Annotated[
        str | None, option("Template for synthetic users.", default="allocate_items")
    ] = None

    def templates(self, model: str) -> dict[str, Template]:
        """Load the question for each kind of subject that a model is asked.

        Raises
        ------
        UserError
            If a template is missing, or the folder holds one that no question uses.
        """
        from profiler.config import BuildConfig
        from prompts import load_template, refuse_unused

        questions = BuildConfig.checked(**given(self)).questions(model)
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
        int | None,
        option(
            "Maximum number of calls at the same time; lowered where the service is overloaded.",
            min=1,
            default="8; 2 for a server on this machine",
        ),
    ] = None
    rpm: Annotated[int | None, option("Maximum number of requests per minute.", min=1)] = None
    tpm: Annotated[int | None, option("Maximum number of tokens per minute.", min=1)] = None


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

    settings: Mapping[str, object] = answers.settings() | given(pace)
    return AskingOptions(
        caps=budget.caps(),
        prices=budget.price_table(),
        reask_policy=ReaskPolicy(template=prompts.correction()),
        only_pending=only_pending,
        **settings,  # type: ignore[arg-type]
    )
