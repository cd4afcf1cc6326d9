"""Simulation of the vapic controller: engines, golden model, machine, traces, runs, reports."""
