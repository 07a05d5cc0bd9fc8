"""Chinese names of a firm's typed facts, as questions and answers word them."""

_LABELS = {
    "staff": "职工人数",
    "rd_staff": "研发人员数",
    "rd_staff_share": "研发人员占比",
    "registered_capital": "注册资本",
    "total_assets": "资产总额",
    "net_assets": "净资产",
    "years_registered": "成立日期",
    "years_operating": "成立日期",
    "registered_province": "注册地",
    "registered_city": "注册地",
    "registered_zone": "所在园区",
    "industry": "所属产业领域",
    "business": "主营业务",
    "entity_type": "单位类型",
    "enterprise_type": "企业类型",
    "legal_person": "是否具有法人资格",
    "granted_ip_any": "已授权知识产权",
    "granted_patents": "授权专利",
    "valid_patents": "有效专利",
    "valid_inventions": "有效发明专利",
    "invention_applications": "发明专利申请",
    "invention": "发明专利",
    "utility_model": "实用新型专利",
    "design": "外观设计专利",
    "software": "软件著作权",
    "ic_layout": "集成电路布图设计专有权",
    "utility_model+design+software": "实用新型、外观设计、软件著作权",
    "trademarks": "注册商标",
    "sales_last_year": "上年度营业收入",
    "revenue": "上年度营业收入",
    "rd_last_year": "上年度研发费用",
    "profit_last_year": "上年度利润",
    "tax_paid_last_year": "上年度纳税额",
    "export_last_year": "上年度出口额",
    "import_export_last_year": "上年度进出口额",
    "rd_to_sales_last_year": "上年度研发费用与营业收入",
    "rd_to_sales_same_period": "上年度研发费用与营业收入",
    "rd_share_of_revenue": "上年度研发费用与营业收入",
    "revenue_each_of_3y": "近三年各年营业收入",
    "sales_any_of_3_years": "近三年各年营业收入",
    "sales_growth": "近三年各年营业收入",
    "revenue_cagr_3y": "近三年各年营业收入",
    "profit_growth": "近三年各年利润",
    "qualifications": "资质",
}

# The fields of the form of facts, where they are called otherwise than what criteria ask for.
_FORM = {
    "name": "企业名称",
    "region": "注册地",
    "zone": "所在园区",
    "founded_on": "成立日期",
    "sales": "各年营业收入",
    "rd_cost": "各年研发费用",
    "profit": "各年利润",
    "tax": "各年纳税额",
    "export": "各年出口额",
    "rights": "知识产权",
    "credit_records": "不良记录",
    "financing": "融资需求",
    "other": "其他事实",
}


def form_label(field: str) -> str:
    """Return the Chinese name of a field of the form of facts."""
    return _FORM.get(field) or _LABELS.get(field, field)


def label_of(fact: str) -> str:
    """Return what people call a fact: its Chinese name; of a qualification 资质：its name; else its own words."""
    field, _, name = fact.partition(":")
    return f"资质：{name}" if field == "qualifications" and name else _LABELS.get(fact, fact)
