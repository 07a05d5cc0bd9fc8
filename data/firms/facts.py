"""A firm's typed facts. Money in 万元 unless a unit says otherwise; what is not stated is unknown, never zero."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_ENTRIES = 500
MAX_YEARS = 30
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Unit = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)]
Code = Annotated[str, StringConstraints(pattern=r"^\d{6}$")]
Amount = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1949, le=2100)]
RightType = Literal[
    "invention", "utility_model", "design", "software", "ic_layout", "trademark", "plant_variety", "copyright", "other"
]
RightState = Literal["applied", "granted", "valid", "expired"]


class Sourced(BaseModel):
    """Where a fact comes from and the day that it describes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="来源，例如 企业填报、社保、审计报告"
    )
    as_of: date | None = Field(None, description="该事实对应的日期")


class Figure(Sourced):
    """A number: `value`, or a range from `low` to `high` (either may be open), or nothing if it is unknown."""

    value: Amount | None = None
    low: Amount | None = None
    high: Amount | None = None
    unit: Unit = ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.value is not None and (self.low is not None or self.high is not None):
            raise ValueError("give value, or low and high, not both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


class Statement(Sourced):
    """Yes, no, or unknown."""

    value: bool | None = None


class Words(Sourced):
    """A text or several; `complete` tells that there are no others."""

    values: tuple[Name, ...] = Field((), max_length=MAX_ENTRIES)
    complete: bool = False


class Right(Sourced):
    """A number of rights of one type in one state; `valid` counts among the granted."""

    type: RightType
    state: RightState = "granted"
    count: Annotated[int, Field(ge=0, le=1_000_000)]


class Qualification(Sourced):
    """A qualification or honour, with its days of validity (both included) where known."""

    name: Name
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(f"valid_from {self.valid_from} is after valid_until {self.valid_until}")
        return self


class Financing(Sourced):
    """What the firm looks for: amount in 万元, months, and the guarantees that it can give."""

    amount: Amount | None = None
    term_months: Annotated[int, Field(ge=1, le=600)] | None = None
    guarantees: tuple[Name, ...] = Field(
        (), max_length=20, description="可提供的担保方式，例如 信用、知识产权质押、房产抵押"
    )


Series = Annotated[dict[Year, Figure], Field(max_length=MAX_YEARS)]


# names under which criteria find the typed facts; a fact of one's own may not take them
TYPED = frozenset({
    "staff", "rd_staff", "rd_staff_share", "registered_capital", "total_assets", "net_assets", "years_registered",
    "years_operating", "registered_province", "registered_city", "registered_zone", "industry", "business",
    "entity_type", "enterprise_type", "legal_person", "granted_ip_any", "granted_patents", "valid_patents",
    "valid_inventions", "invention_applications", "invention", "utility_model", "design", "software", "ic_layout",
    "utility_model+design+software", "trademarks", "qualifications", "sales_last_year", "revenue", "rd_last_year",
    "profit_last_year", "tax_paid_last_year", "export_last_year", "import_export_last_year",
    "rd_to_sales_last_year", "rd_to_sales_same_period", "rd_share_of_revenue", "revenue_each_of_3y",
    "sales_any_of_3_years", "sales_growth", "profit_growth", "revenue_cagr_3y",
})  # fmt: skip


class FirmFacts(BaseModel):
    """All that is known of a firm. `other` holds facts under the names that criteria give them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    firm_id: Annotated[str, StringConstraints(max_length=128)] = ""
    name: Annotated[str, StringConstraints(max_length=500)] = ""
    legal_person: Statement = Statement()
    enterprise_type: Words = Words()
    region: Code | None = Field(None, description="注册地行政区划代码（GB/T 2260）")
    zone: Words = Words()
    founded_on: Annotated[date, Field(ge=date(1800, 1, 1), le=date(2100, 12, 31))] | None = None
    origins: dict[Literal["name", "region", "founded_on"], Sourced] = Field(
        default_factory=dict, description="名称、注册地、成立日期的来源与日期"
    )
    industry: Words = Words()
    business: Words = Words()
    staff: Figure = Figure()
    rd_staff: Figure = Figure()
    registered_capital: Figure = Figure()
    total_assets: Figure = Figure()
    net_assets: Figure = Figure()
    sales: Series = Field(default_factory=dict, description="各年度营业（销售）收入，万元")
    rd_cost: Series = Field(default_factory=dict, description="各年度研发费用，万元")
    profit: Series = Field(default_factory=dict, description="各年度利润，万元")
    tax: Series = Field(default_factory=dict, description="各年度纳税额，万元")
    export: Series = Field(default_factory=dict, description="各年度出口额，万元")
    rights: tuple[Right, ...] = Field((), max_length=MAX_ENTRIES)
    rights_complete: bool = Field(False, description="true 表示没有列出的知识产权就是没有")
    qualifications: tuple[Qualification, ...] = Field((), max_length=MAX_ENTRIES)
    qualifications_complete: bool = Field(False, description="true 表示没有列出的资质就是没有")
    credit_records: Figure = Field(Figure(), description="违法违规、失信、行政处罚等记录条数，0 表示没有")
    financing: Financing = Financing()
    other: Annotated[dict[Name, Figure | Statement | Words], Field(max_length=MAX_ENTRIES)] = Field(
        default_factory=dict, description="其他事实：名称与条件中的一致"
    )

    @model_validator(mode="after")
    def _no_second_name(self) -> Self:
        taken = sorted(TYPED & set(self.other))
        if taken:
            raise ValueError(f"other holds {taken[0]!r}, which follows from the typed facts; state those instead")
        return self
