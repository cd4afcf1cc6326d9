"""Simulation of the vapic controller: engines, golden model, agents, workloads, reports."""
