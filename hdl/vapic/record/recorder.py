"""Makes the records of one unit out of what it tells about its decisions."""

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import Layouts
from .table import TABLE, Row

__all__ = ["Recorder", "record_ports"]

_REQUEST = ("addr", "we", "data", "sel", "vmm", "dom", "vcpu")


def record_ports(config) -> dict:
    """Members of a unit with one stream of records: ``commits``, with ``config.commits`` only."""
    return {"commits": Out(Layouts(config).commit_port)} if config.commits else {}


class Recorder(wiring.Component):
    """Stands beside a unit and encodes its decisions as `TABLE` says.

    Everything of an operation is told in the decision cycle, but late values in the next one, in
    which the record stands. Monitors and proofs bind to ``commits`` too.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    unit : str
        One of `UNITS`.

    Members
    -------
    bus, accept, ... : ``In``
        One for each operation of the unit: ``valid``, its values by name, and ``request``. At most
        one is valid in a cycle.
    commits : ``Out(Layouts.commit_port)``
        The records; `CommitOrder` fills in ``seq``.
    """

    def __init__(self, config, unit: str):
        self._layouts = layouts = Layouts(config)
        self._rows = {row.op.name.lower(): row for row in TABLE if row.unit == unit}
        super().__init__({name: In(self._told(row)) for name, row in self._rows.items()}
                         | {"commits": Out(layouts.commit_port)})

    def _told(self, row: Row) -> data.StructLayout:
        values = {value.name: value.width for values in row.fields.values() for value in values}
        request = {"request": self._layouts.bus_request} if row.request else {}
        return data.StructLayout({"valid": 1, **request, **values})

    @classmethod
    def beside(cls, m: Module, block, config, unit: str, *, port: str = "commits",
               **operations):
        """Record the decisions of a block, if it has the port for them.

        Parameters
        ----------
        m : Module
            Of the block.
        block : wiring.Component
            Has members as `record_ports` gives them.
        config : Config
            Sizes of the controller.
        unit : str
            Whose records they are.
        port : str
            Name of the port.
        **operations : dict
            For each operation, by name, what the block tells: values by name.

        Returns
        -------
        Recorder or None
            To be told the rest.
        """
        if not hasattr(block, port):
            return None
        m.submodules[f"record_{unit}"] = recorder = cls(config, unit)
        connect(m, recorder.commits, flipped(getattr(block, port)))
        for name, told in operations.items():
            recorder.tell(m, name, **told)
        return recorder

    def tell(self, m: Module, operation: str, **values) -> None:
        """Drive what is told of an operation, where it is decided."""
        told = getattr(self, operation)
        m.d.comb += [_plain(told[name]).eq(_plain(value)) for name, value in values.items()]

    def elaborate(self, platform):
        m = Module()
        valids = []
        for name, row in self._rows.items():
            told = getattr(self, name)
            before = data.View(told.shape(), Signal.like(told.as_value(), name=f"{name}_before"))
            if not row.now:
                m.d.sync += before.as_value().eq(told.as_value())
            source = told if row.now else before
            # Where nothing is valid, nobody looks: the first row needs no condition.
            with m.If(source.valid if valids else 1):
                self._fill(m, row, source, told)
            valids.append(source.valid)
        m.d.comb += self.commits.valid.eq(Cat(valids).any())
        return m

    def _fill(self, m: Module, row: Row, source, late) -> None:
        record = self.commits.record
        values = {field: Cat((late if value.late else source)[value.name] for value in values)
                  for field, values in row.fields.items()}
        request = {field: source.request[field] for field in _REQUEST} if row.request else {}
        for field in (*_REQUEST, "row", "result"):
            m.d.comb += record[field].eq({**request, **values}.get(field, 0))
        m.d.comb += record.op.eq(row.op)


def _plain(value):
    """The bits of a view, or any other value."""
    return value.as_value() if isinstance(value, data.View) else Value.cast(value)
