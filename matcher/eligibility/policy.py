"""Policies and products with their criteria as they are kept: versions with days of validity, quotes, amounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from knowledge_graph.criteria.types import Role, Test, read_test

MAX_CRITERIA = 300
Words = Annotated[str, StringConstraints(max_length=4_000)]
Short = Annotated[str, StringConstraints(max_length=500)]


class StatedCriterion(BaseModel):
    """One criterion of a policy: verbatim quote and its place, kind, test, whom it binds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=1)]
    kind: Literal["hard", "judgement"]
    role: Role = "requirement"
    branch: Short = ""
    test: dict[str, Any]
    quote: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
    quote_from: Short = "conditions"
    start: Annotated[int, Field(ge=0)] | None = None
    end: Annotated[int, Field(ge=0)] | None = None
    note: Words = ""
    # Whether a model pointed at the quote (GB 45438-2025); the test is the reader's in any case.
    ai_generated: bool = False

    @field_validator("test")
    @classmethod
    def _is_test(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            read_test(value)
        except (TypeError, KeyError) as error:
            raise ValueError(f"no test: {error}") from error
        return value

    @cached_property
    def rule(self) -> Test:
        """The test, read."""
        return read_test(self.test)


class PolicyAmount(BaseModel):
    """What a policy gives, by its own words: at most `max_wan` 万元, quoted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_wan: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    quote: Words = ""


class ProductTerms(BaseModel):
    """What a finance product offers; amounts in 万元."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Short = ""
    amount_min: float | None = None
    amount_max: float | None = None
    term_months: int | None = None
    guarantee: Short = ""
    rate: Short = ""
    retail: bool = False


class StatedPolicy(BaseModel):
    """A policy or product with its criteria, proposed or approved, in one version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy_id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    name: Short = ""
    kind: Literal["policy", "finance_product"] = "policy"
    status: Literal["proposed", "approved"] = "proposed"
    valid_from: date | None = None
    valid_until: date | None = None
    text_digest: Short = ""
    criteria: tuple[StatedCriterion, ...] = Field((), max_length=MAX_CRITERIA)
    amount: PolicyAmount = PolicyAmount()
    product: ProductTerms | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "StatedPolicy":
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(f"valid_from {self.valid_from} is after valid_until {self.valid_until}")
        return self


@dataclass(frozen=True, slots=True)
class InForce:
    """The version of a policy that counts on a day, and how many days it still does (None: no end is known)."""

    policy: StatedPolicy
    days_left: int | None


def in_force(policies: Iterable[StatedPolicy], as_of: date) -> list[InForce]:
    """Return of each policy the version in force on a day, by id; of several the one that began last.

    Versions that have not begun or have ended on that day do not count.
    """
    chosen: dict[str, StatedPolicy] = {}
    for policy in policies:
        if (policy.valid_from and policy.valid_from > as_of) or (policy.valid_until and policy.valid_until < as_of):
            continue
        other = chosen.get(policy.policy_id)
        if other is None or (policy.valid_from or date.min) >= (other.valid_from or date.min):
            chosen[policy.policy_id] = policy
    return [
        InForce(policy, (policy.valid_until - as_of).days if policy.valid_until else None)
        for _, policy in sorted(chosen.items())
    ]
