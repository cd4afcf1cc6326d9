"""MSI intake: remappable messages to the interrupt table."""
