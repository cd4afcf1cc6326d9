"""Simulators behind one interface."""
