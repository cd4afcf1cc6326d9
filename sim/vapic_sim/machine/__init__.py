"""Parts of a machine around a controller: bus masters, lines, devices, vCPUs, the VMM."""
