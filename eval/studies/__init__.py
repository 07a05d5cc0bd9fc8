"""Studies: ablation, questions, completeness, the answer threshold and simulated truth."""
