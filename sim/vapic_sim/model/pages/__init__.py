"""The register pages of the address map, one file each."""
