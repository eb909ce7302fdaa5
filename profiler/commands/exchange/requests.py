"""``profiler requests``: what would be asked next, written for a batch service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from profiler.choices import BatchFormat, JsonMethod
from profiler.commands.exchange.task_options import TaskOptions
from profiler.commands.options import (
    AnswerOptions,
    ModelOption,
    PromptOptions,
)
from profiler.commands.subject_options import SubjectOptions
from store.console.options import Json, Overwrite, StoreFile, given, grouped, option


@grouped
def requests(
    store: StoreFile,
    out: Annotated[Path, option("File to write, one request a line.")],
    llm: Annotated[str, option("PROVIDER:MODEL that will answer, such as openai:gpt-4o-mini.")],
    answers: AnswerOptions,
    prompts: PromptOptions,
    other: TaskOptions,
    subjects: SubjectOptions,
    base_url: Annotated[str | None, option("Address of the service.")] = None,
    method: Annotated[
        JsonMethod | None, option("How JSON is asked for.", default="what the model supports")
    ] = None,
    model_option: ModelOption = None,
    format: Annotated[
        BatchFormat | None, option("Whose batch format.", default="that of the model's provider")
    ] = None,
    seed: Annotated[int | None, option("Sampling seed, if it is to be sent.")] = None,
    again: Annotated[
        bool, option("Also ask about imported, edited and quarantined subjects.", "--all")
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write what ``build --llm``, or another task, would ask next as a batch file.

    Nothing is sent.

    $ profiler requests --store shop.db --llm openai:gpt-4o-mini --out requests.jsonl
    """
    from profiler.exchange.batch_options import BatchOptions
    from profiler.exchange.batches import write_requests
    from profiler.llm.model_options import read_options
    from profiler.llm.registry import method_for
    from store.console import print_json, say
    from store.errors import UserError
    from store.store import open_store

    if not all(llm.partition(":")):
        raise UserError(f"--llm {llm!r}: write provider:model, such as openai:gpt-4o-mini")
    options = BatchOptions(
        llm=llm,
        reask=prompts.correction(),
        base_url=base_url,
        method=method or method_for(llm, base_url),
        only_pending=subjects.only_pending,
        everyone=again,
        options=read_options(model_option or ()),
        **(other.settings(prompts, llm) | answers.settings()),
        **given(seed=seed),
    )
    with open_store(store) as opened:
        count = write_requests(opened, out, options, form=format, overwrite=overwrite)
    if json:
        print_json({"requests": count, "out": str(out)})
    elif count:
        say(f"{count} requests written to {out}")
        say(f"when they are answered: profiler import-responses FILE --store {store}")
    else:
        say("no subject is waiting for an answer of this model (--all asks about the others again)")
