"""`Config`: what it takes, what it refuses and in which words, and the usual shapes."""

import dataclasses

import pytest

from vapic import Config

LIMITS = {"rtes": (1, 120), "irts": (0, 256), "vcpus": (1, 512), "lanes": (1, 64),
          "domains": (2, 16), "ports": (32, 1024), "trace_depth": (2, 256)}


@pytest.mark.parametrize(("name", "low", "high"), [(n, *limits) for n, limits in LIMITS.items()])
def test_limits(name, low, high):
    rest = {"lanes": 64, "domains": 16, "vcpus": 1}
    for value in (low, high):
        assert getattr(Config(**(rest | {name: value})), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match=rf"^{name} must be {low}\.\.{high}, not {value}$"):
            Config(**(rest | {name: value}))


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Config)])
def test_types(name):
    kind = {"msi_bus": "bool", "commits": "bool", "policies": "tuple"}.get(name, "int")
    for value in ("4", 4.0, None, 1 if kind == "bool" else True):
        with pytest.raises(TypeError, match=rf"^{name} must be {kind}, not {value!r}$"):
            Config(**{name: value})


@pytest.mark.parametrize(("values", "message"), [
    ({"ports": 48}, r"^ports must be a multiple of 32, not 48$"),
    ({"vectors": 16}, r"^vectors must be 32, 64, 128 or 256, not 16$"),
    ({"vectors": 512}, r"^vectors must be 32, 64, 128 or 256, not 512$"),
    ({"ioa_version": 0x12}, r"^ioa_version must be 0x11 or 0x20, not 0x12$"),
    ({"policies": ("rr",)}, r"^policies must be lowpri and any of lowpri, .* each, not rr$"),
    ({"policies": ("lowpri", "fair")}, r"^policies must be lowpri .*, not lowpri, fair$"),
    ({"policies": ("lowpri", "lowpri")}, r"^policies must be lowpri .*, not lowpri, lowpri$"),
    ({"policies": ()}, r"^policies must be lowpri .*, not none$"),
    ({"vcpus": 65}, r"^vcpus must be at most domains \* lanes = 64, not 65$"),
    ({"vcpus": 3, "lanes": 1, "domains": 2}, r"^vcpus must be at most domains \* lanes = 2, not 3"),
])
def test_relations(values, message):
    with pytest.raises(ValueError, match=message):
        Config(**values)
    with pytest.raises(ValueError, match=message):
        Config.from_dict(values)


@pytest.mark.parametrize(("vcpus", "lanes", "domains"), [
    (1, 1, 4), (2, 2, 4), (16, 16, 4), (64, 16, 4), (65, 16, 5), (256, 16, 16), (257, 32, 9),
    (512, 32, 16),
])
def test_usual_shapes(vcpus, lanes, domains):
    config = Config.for_vcpus(vcpus)
    assert config == Config(vcpus=vcpus, lanes=lanes, domains=domains)
    assert config.vcpus <= config.lanes * config.domains


def test_usual_shape_changed():
    assert Config.for_vcpus(16) == Config()
    assert Config.for_vcpus(4, lanes=8, rtes=1) == Config(vcpus=4, lanes=8, domains=4, rtes=1)
    with pytest.raises(ValueError, match=r"^vcpus must be 1\.\.512, not 513$"):
        Config.for_vcpus(513)


def test_dictionaries():
    config = Config(rtes=5, msi_bus=True)
    assert config.to_dict() | {"rtes": 5, "msi_bus": True} == config.to_dict()
    assert Config.from_dict(config.to_dict()) == config
    assert Config.from_dict({}) == Config()
    names = ", ".join(field.name for field in dataclasses.fields(Config))
    with pytest.raises(ValueError, match=f"^unknown parameter 'cpus'; known are {names}$"):
        Config.from_dict({"cpus": 4})


def test_frozen_and_hashable():
    config = Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.rtes = 3
    assert {config: 1}[Config()] == 1
    with pytest.raises(TypeError):
        Config(24)


def test_derived_sizes():
    small = Config(rtes=1, irts=0, vcpus=1, lanes=1, domains=2, ports=32, vectors=32)
    names = ("pirqs", "words", "port_words", "vcpu_bits", "lane_bits", "domain_bits", "pirq_bits",
             "port_bits")
    assert [getattr(small, name) for name in names] == [1, 1, 1, 1, 1, 1, 1, 5]
    big = Config(rtes=120, irts=256, vcpus=512, lanes=32, domains=16, ports=1024)
    assert [getattr(big, name) for name in names] == [376, 8, 32, 9, 5, 4, 9, 10]
    assert [getattr(Config(), name) for name in names] == [56, 8, 16, 4, 4, 2, 6, 9]
