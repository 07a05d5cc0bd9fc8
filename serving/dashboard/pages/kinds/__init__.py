"""Pages about records of declared kinds: resources, firms, eligibility, criteria to approve."""
