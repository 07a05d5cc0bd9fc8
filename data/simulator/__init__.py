"""A simulated platform whose true relevance is known: for load and for methods, never for claims about quality."""

from data.simulator.plan import SimulationPlan, SimulationSummary
from data.simulator.simulation import simulate

__all__ = ["SimulationPlan", "SimulationSummary", "simulate"]
