"""Evaluation of live traffic: experiments between versions and the monitor's report."""
