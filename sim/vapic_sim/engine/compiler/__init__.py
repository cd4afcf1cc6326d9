"""From Amaranth's netlist to C."""
