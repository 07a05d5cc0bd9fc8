"""The model card of a trained version: what it is, what it learned from, how good it is, what it is not for."""

from collections.abc import Mapping

from eval.online.versions import Candidate, Figure
from matcher.features.table import FEATURE


def model_card(candidate: Candidate, importance: Mapping[str, float]) -> str:
    """Return the card as Markdown."""
    top = sorted(importance, key=lambda name: -importance[name])[:10]
    parameters = "\n".join(f"- {name}: {value}" for name, value in sorted(candidate.parameters.items()))
    calibration = "not known" if candidate.calibration_error is None else f"{candidate.calibration_error:.3f}"
    slices = "\n".join(_row(name, figures) for name, figures in candidate.slices.items())
    return f"""# gongxu {candidate.version}

Ranks technology achievements for technology demands and says how likely each pair is a good match.
Trained {candidate.created_at:%Y-%m-%d %H:%M} UTC over the records of bundle {candidate.base}.

## Data

- {candidate.pairs:,} graded pairs (experts' judgements, outcomes) up to record revision {candidate.watermark}
- digest of the store: `{candidate.data_digest}`
- held out, never learned from: {candidate.held_out_pairs:,} pairs of {candidate.held_out_demands:,} demands, chosen by a
  stable hash of their titles ({candidate.held_out_share:.0%} of demands)

## Parameters

{parameters}

## Quality on the held-out demands

| slice | {" | ".join(candidate.figures)} |
| --- |{" --- |" * len(candidate.figures)}
{_row("all", candidate.figures)}
{slices}

Expected calibration error of the probability: {calibration}. Median CPU of one request: {_number(candidate.latency_ms)} ms.
Demands that nothing was good enough for: {_number(candidate.unanswered, share=True)}.

## Most important features

{", ".join(map(labelled, top))}

## Limits

Held-out pairs are those that were judged or shown: the figures tell how well such pairs are ordered, not whether the best
achievement was found. Outcomes carry the order in which earlier versions showed them. Probabilities say little about kinds
of pairs that were never judged or shown. People decide; the product proposes.
"""


def labelled(feature: str) -> str:
    """Return a feature's name with its label; a version from before may rank by one that is no longer declared."""
    return f"{feature} ({FEATURE[feature].label})" if feature in FEATURE else feature


def _row(name: str, figures: Mapping[str, Figure]) -> str:
    cells = [
        "–" if f.value is None or f.low is None or f.high is None else f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]"
        for f in figures.values()
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _number(value: float | None, *, share: bool = False) -> str:
    if value is None:
        return "not known"
    return f"{value:.0%}" if share else f"{value:.1f}"
