"""Information cards of an achievement: maturity, market and risk, side by side and never one sum."""
