"""Services, experts and equipment of the simulated platform, with the true chance that a demand takes each up."""
