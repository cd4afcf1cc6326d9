"""Records of the hardware as integers, and their fields."""

from amaranth.lib import data

__all__ = ["Fields"]


class Fields:
    """Cuts an integer into the fields of a layout, without a view of it.

    Parameters
    ----------
    layout : data.StructLayout
        Of flat fields.
    """

    def __init__(self, layout: data.StructLayout):
        self.place = {name: (field.offset, (1 << field.width) - 1) for name, field in layout}

    def cut(self, word: int, *names: str) -> list[int]:
        """Values of some fields, or of all in their order."""
        places = [self.place[name] for name in names] if names else self.place.values()
        return [word >> offset & mask for offset, mask in places]

    def named(self, word: int) -> dict[str, int]:
        """Values of all fields by name."""
        return {name: word >> offset & mask for name, (offset, mask) in self.place.items()}
