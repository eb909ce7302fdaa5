"""``profiler retry``: ask again about the subjects whose answers were not usable."""

from __future__ import annotations

from typing import Annotated

from profiler.commands.options import (
    AnswerOptions,
    BudgetOptions,
    ModelOptions,
    PaceOptions,
    PrivateWords,
    PromptOptions,
    StoredEncoder,
    asking_options,
)
from store.console.options import Json, StoreFile, grouped, option


@grouped
def retry(
    store: StoreFile,
    model: ModelOptions,
    answers: AnswerOptions,
    prompts: PromptOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    failed: Annotated[bool, option("Ask again about all quarantined subjects.", "--failed")] = (
        False
    ),
    private_words: PrivateWords = None,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> int:
    """Ask again about quarantined subjects.

    Exits with code 1 where some are quarantined again.

    $ profiler retry --failed --store shop.db --llm openai:gpt-4o-mini
    """
    from dataclasses import asdict

    from profiler.asking.progress import asking_progress
    from profiler.asking.runner import retry_failed
    from profiler.exchange.save_interests import encode_imported, encoder_of
    from store.console import print_json, say, show_progress
    from store.errors import UserError
    from store.store import open_store
    from store.views.subjects.reasons import in_words, quarantine_reasons

    if not failed:
        raise UserError("say what to retry: profiler retry --failed --store FILE --llm MODEL")
    port = model.open()
    if port is None:
        raise UserError("profiler retry needs --llm PROVIDER:MODEL, such as openai:gpt-4o-mini")
    options = asking_options(answers, prompts, pace, budget)
    templates = prompts.templates(port.name)
    with open_store(store) as opened:
        own = encoder_of(opened, encoder)  # before asking: a failure then costs nothing
        with show_progress(quiet=json) as tell:
            summary = retry_failed(
                opened,
                port,
                then=model.open_then(),
                templates=templates,
                options=options,
                progress=asking_progress(tell, "asking again"),
            )
        encode_imported(opened, own)
        reasons = quarantine_reasons(opened)
    if json:
        print_json(asdict(summary))
    else:
        say(summary.in_words())
        if summary.quarantined:
            say(f"quarantined: {in_words(reasons)}")
    return 1 if summary.quarantined else 0
