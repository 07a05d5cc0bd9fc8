"""What eligibility keeps in the store: approved criteria of policies and products."""
