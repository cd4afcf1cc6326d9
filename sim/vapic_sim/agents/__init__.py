"""Bus masters, lines, vCPUs, the VMM scheduler and monitors for testbenches."""
