"""Tables of the quality study, in Markdown, put between their marks in a page."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from _study import SLICE, Row, Run, Table, listed_runs

from recommender.experiments.significance import LEVEL, Difference, compare_values, holm, mean_of

DATA = {"office": "Office", "beauty": "Beauty", "ml-1m": "ML-1M", "grocery": "Grocery"}
TITLES = {"recall": "R", "ndcg": "NDCG", "hr": "HR"}
OVERVIEW = ("recall@20", "recall@50", "ndcg@20")


def mark(table: Table) -> str:
    """The line above a table's place."""
    return f"<!-- table: {table.name} -->"


def fill(page: str, tables: list[Table], work: Path) -> str:
    """The page with these tables put between ``<!-- table: NAME -->`` and ``<!-- end -->``."""
    for table in tables:
        place = re.compile(rf"({re.escape(mark(table))}\n).*?(<!-- end -->)", re.S)
        if not place.search(page):
            raise SystemExit(f"the page has no mark {mark(table)}")
        text = {"paired": paired, "where": where, "overview": overview}[table.kind](table, work)
        page = place.sub(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", page)
    return page


def lacking(table: Table, work: Path) -> list[Run]:
    """Runs that the runs file lists and whose users' values are gone.

    A table that has any is left as it is printed. The overview needs no users.
    """
    if table.kind == "overview":
        return []
    listed, wanted = listed_runs(), set(table.metrics)
    if table.kind == "where":  # values of parts of the users are not kept
        return [run for run in table.runs() if run in listed and not run.done(work)]
    return [run for run in table.runs() if run in listed and not wanted <= run.users(work).keys()]


def paired(table: Table, work: Path) -> str:
    """Each row against the first, on the seeds that both have; Holm over rows and metrics."""
    base, *others = table.rows
    have = base.seeds(work, table.seeds, table.metrics)
    if not have:
        return f"{table.title}: not measured yet."
    names = [title_of(metric) for metric in table.metrics]
    lines = head([table.title, *names, *(f"difference {name}" for name in names), "seeds"])
    means = [mean_of(base.values(work, have)[metric]) for metric in table.metrics]
    cells = [f"{figure(m.mean)} ± {figure(m.margin)}" for m in means]
    lines.append(line([base.label, *cells, *([""] * len(names)), str(len(have))]))
    found = []
    for row in others:
        seeds = [s for s in row.seeds(work, table.seeds, table.metrics) if s in have]
        if seeds:
            found.append((row, seeds, differences(base, row, seeds, work, table.metrics)))
    corrected = iter(holm([d.p for *_, all_of in found for d in all_of]))
    for row, seeds, all_of in found:
        values = row.values(work, seeds)
        cells = [figure(values[metric].mean()) for metric in table.metrics]
        cells += [change(d, next(corrected)) for d in all_of]
        lines.append(line([row.label, *cells, str(len(seeds))]))
    return "\n".join(lines)


def where(table: Table, work: Path) -> str:
    """The second row against the first for each part of targets and users; Holm over parts."""
    base, row = table.rows
    seeds = [s for s in range(table.seeds) if base.run(s).done(work) and row.run(s).done(work)]
    if not seeds:
        return f"{table.title}: not measured yet."
    plain = base.values(work, seeds)
    parts = [name for name in plain if name.startswith(SLICE)] + ["recall@50"]
    found = differences(base, row, seeds, work, parts)
    plural = "s" if len(seeds) > 1 else ""
    lines = head([f"{table.title} ({len(seeds)} seed{plural})", "users", "without", "difference"])
    for part, gap, p in zip(parts, found, holm([d.p for d in found]), strict=True):
        name = part.removeprefix(SLICE) if part.startswith(SLICE) else "all targets"
        users, mean = plain[part].shape[1], figure(plain[part].mean())
        lines.append(line([name, f"{users:,}", mean, change(gap, p)]))
    return "\n".join(lines)


def overview(table: Table, work: Path) -> str:
    """A line for each label, a column for each data set the table has; means of the runs file's
    seeds."""
    listed: dict[Row, list[dict[str, str]]] = defaultdict(list)
    for run, facts in listed_runs().items():
        for row in table.rows:
            if row.run(run.seed) == run:
                listed[row].append(facts)
    title = " / ".join(title_of(metric) for metric in OVERVIEW)
    shown = {row.data for row in table.rows}
    columns = {data: name for data, name in DATA.items() if data in shown}
    lines = head([title, *columns.values()])
    for label in dict.fromkeys(row.label for row in table.rows):
        cells = dict.fromkeys(columns, "–")
        for row in table.rows:
            if row.label == label and (runs := listed[row]):
                cell = " / ".join(
                    figure(sum(float(run[metric]) for run in runs) / len(runs))
                    for metric in OVERVIEW
                )
                cells[row.data] = cell + (f" ({len(runs)} seeds)" if len(runs) > 1 else "")
        lines.append(line([label, *cells.values()]))
    return "\n".join(lines)


def differences(
    base: Row, row: Row, seeds: list[int], work: Path, metrics: Any
) -> list[Difference]:
    """In the order of the metrics."""
    sides = {"base": base.values(work, seeds), "row": row.values(work, seeds)}
    chosen = {side: {name: values[name] for name in metrics} for side, values in sides.items()}
    return compare_values(chosen, "base")


def runs_file(found: list[dict[str, Any]], listed: dict[Run, dict[str, str]]) -> str:
    """One line for each run, with its settings and test figures: those found, and those listed."""
    facts = ("data", "split", "source", "model", "seed", "best_step")
    metrics = [f"{kind}@{k}" for kind in ("recall", "ndcg", "hr") for k in (10, 20, 50)]
    header = (*facts, "validation recall@50", *metrics)
    rows = {run: [line[name] for name in header] for run, line in listed.items()}
    for run in found:
        which = Run(*(run[name] for name in facts[:-1]))
        rows[which] = [
            *(str(run[name]) for name in facts),
            f"{run['valid']['recall@50']:.6f}",
            *(f"{run['test'][metric]:.6f}" for metric in metrics),
        ]
    return "".join("\t".join(row) + "\n" for row in [header, *sorted(rows.values())])


def title_of(metric: str) -> str:
    kind, _, k = metric.partition("@")
    return f"{TITLES[kind]}@{k}"


def figure(value: float) -> str:
    """Four decimals without the leading zero."""
    return ("−" if value < 0 else "") + f"{abs(value):.4f}".replace("0.", ".", 1)


def change(gap: Difference, p: float) -> str:
    """A difference with its interval; bold where it is one after Holm's correction."""
    sign = "+" if gap.difference >= 0 else ""
    shown = (
        f"{sign}{figure(gap.difference)} ± {figure(gap.margin)} ({gap.relative:+.0%}, p {p:.2g})"
    )
    shown = shown.replace("-", "−")
    return f"**{shown}**" if p < LEVEL else shown


def head(cells: list[str]) -> list[str]:
    return [line(cells), "|" + "---|" * len(cells)]


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
