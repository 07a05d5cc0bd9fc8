"""Tree ensembles: text format, QuickScorer evaluation, SHAP contributions and boosting."""
