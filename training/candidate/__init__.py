"""A candidate version: fitting, preselection, tuning, model card and plots."""
