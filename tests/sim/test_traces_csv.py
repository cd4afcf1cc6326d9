"""Tables as people and spreadsheets write them."""

import pytest

from vapic_sim.traces.load import read
from vapic_sim.traces.trace import TraceError


def reading(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(str(path))


def rows(found):
    return [(one.time_ns, one.source, one.service_ns) for one in found.interrupts()]


@pytest.mark.parametrize("text", [
    "0,disk,12\n7,net,3\n", "0,disk,12\r\n7,net,3\r\n", "0,disk,12\r7,net,3\r",
    "\ufefftime_us,source,service_us\n0,disk,12\n7,net,3", '"0","disk","12"\n"7","net","3"\n',
    " 0 ,\tdisk , 12 \n\n 7 , net , 3 \n", "+0,disk,+12\n+7.,net,3.0\n",
    "TIME_US , Source,SERVICE_US\n0,disk,12\n7,net,3\n", "# x\n0,disk,1.2e1\n7E0,net,.3e+1\n",
    "time_us,source,service_us,,\n0,disk,12,,\n,,,,\n7,net,3,,\n", "sep=,\n0,disk,12\n7,net,3\n",
    "0,\tdisk,\t12\n7,\tnet,\t3\n",
    '"Time_us" , "source" ,"service_us"\n"0", "disk" ,"12"\n7,net,3\n',
])
def test_every_way_to_write_a_table(tmp_path, text):
    found = reading(tmp_path, text)
    assert rows(found) == [(0, "disk", 12_000), (7000, "net", 3000)]
    assert found.summary.format == "csv" and found.summary.remarks == ()


@pytest.mark.parametrize(("cell", "name"), [
    ('"a, b"', "a, b"), ('"a ""b"""', 'a "b"'), ('5" disk', '5" disk'), ('"a\nb"', "a\nb"),
    ('"a\n\n# b,1,2\n"', "a\n\n# b,1,2"), ("[/red]", "[/red]"), ("köln", "köln"), ("1", "1"),
    ('"#"', "#"), ("x" * 200_000, "x" * 200_000)])
def test_names_are_data(tmp_path, cell, name):
    assert rows(reading(tmp_path, f"0,{cell},1\n5,b,2\n")) == [(0, name, 1000), (5000, "b", 2000)]


@pytest.mark.parametrize(("cell", "ns"), [
    ("1700000000123456.789", 1_700_000_000_123_456_789), ("0.0004", 0), ("0.001", 1),
    ("1e-3", 1), ("9223372036854775.807", (1 << 63) - 1), ("0e999", 0), ("1e-999", 0),
    ("0." + "0" * 5000 + "1", 0), ("0" * 5000 + "1", 1000), ("-0", 0), ("-0.0e5", 0)])
def test_times_are_exact(tmp_path, cell, ns):
    assert rows(reading(tmp_path, f"{cell},a,1\n")) == [(ns, "a", 1000)]


@pytest.mark.parametrize(("text", "message"), [
    ("0;disk;12\n", "x.csv:1: expected commas between the columns, not semicolons, and points in "
     "numbers, not decimal commas, found '0;disk;12'"),
    ("time_us;source;service_us\n", "x.csv:1: expected commas between the columns, not semicolons"),
    ("0,a,1\n0,5;disk;12\n", "x.csv:2: expected commas between the columns, not semicolons"),
    ("sep=;\n0;disk;12\n", "x.csv:1: expected commas between the columns, not semicolons"),
    ("0\tdisk\t12\n", "x.csv:1: expected commas between the columns, not tabulators"),
    ('"0,5","disk","12"\n', r"x.csv:1: expected a point in numbers, not a decimal comma, found "
     r"""'"0,5","disk","12"' \(column 1, time_us: '0,5'\)"""),
    ('0,disk,"1,5"\n', r"x.csv:1: .* not a decimal comma.*\(column 3, service_us: '1,5'\)"),
    ("0,5,disk,12,3\n", "x.csv:1: expected time_us,source,service_us, found .*decimal comma"),
    ("0,a,1\n1,a,x\n", r"x.csv:2: expected numbers .*\(column 3, service_us: 'x'\)"),
    ("0,a,1\n1,a,1_0\n", "x.csv:2: expected numbers for time_us and service_us"),
    ("0,a,1\n1,a,0x1\n", "x.csv:2: expected numbers for time_us and service_us"),
    ("0,a,1\n1,a,-inf\n", "x.csv:2: expected .* with times of 0 or more"),
    ("0,a,1\n-1e-9,a,1\n", "x.csv:2: expected .* with times of 0 or more"),
    ("0,a,1\n1e16,a,1\n", r"x.csv:2: expected times below 292 years: the time is too large.*"
     r"\(column 1, time_us: '1e16'\)"),
    ("9223372036854775.808,a,1\n", "x.csv:1: .* the time is too large"),
    ("0,a,1e12\n1,a,1000000000000.001\n", "x.csv:2: .* below 11 days: the service time is too"),
    ("0,a,1e99999999999999999999\n", "x.csv:1: .*the service time is too large"),
    ("0,a," + "9" * 9000 + "\n", "x.csv:1: .*the service time is too large"),
    ('0,a,1\n0,"disk,12\n7,a,3\n', "x.csv:2: expected a quote that is closed"),
    ('0,a,1\n0,"d"x,12\n', "x.csv:2: expected .* with quotes around whole cells"),
    ("0,a,1\ntime_us,source,service_us\n", "x.csv:2: expected the head in the first row only"),
    ("source,time_us,service_us\na,0,1\nb,1,1\n", "x.csv:1: expected numbers for time_us"),
    ("0,,1\n", "x.csv:1: expected time_us,source,service_us"),
    ("0,a," + "1" * (1 << 20) + "\n", "x.csv:1: this line is longer than 1 MiB"),
    ("0,a,1\n" * 20_000 + '0,"' + "a\n" * 600_000 + '",1\n', "x.csv:20001: expected a quote that"),
])
def test_refused(tmp_path, text, message):
    with pytest.raises(TraceError, match=message) as error:
        reading(tmp_path, text)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("last", ['7,"ne', '7,"net', "7,net", "7,net,", '7,"a\nb'])
def test_a_last_row_that_is_cut_off(tmp_path, last):
    found = reading(tmp_path, "0,disk,12\n" + last)
    assert rows(found) == [(0, "disk", 12_000)]
    assert [(one.kind, one.count) for one in found.summary.remarks] == [("cut_line", 1)]
