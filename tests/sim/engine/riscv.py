"""A small assembler for RV32I with machine-mode CSRs."""

_REGISTER = {"r": {"add": 0, "sub": 0, "sll": 1, "slt": 2, "sltu": 3, "xor": 4, "srl": 5, "sra": 5,
                   "or": 6, "and": 7},
             "i": {"addi": 0, "slti": 2, "sltiu": 3, "xori": 4, "ori": 6, "andi": 7, "slli": 1,
                   "srli": 5, "srai": 5},
             "load": {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5},
             "store": {"sb": 0, "sh": 1, "sw": 2},
             "branch": {"beq": 0, "bne": 1, "blt": 4, "bge": 5, "bltu": 6, "bgeu": 7},
             "csr": {"csrrw": 1, "csrrs": 2, "csrrc": 3}}
_KIND = {name: (kind, funct) for kind, names in _REGISTER.items() for name, funct in names.items()}
_CSR = {"mstatus": 0x300, "mie": 0x304, "mtvec": 0x305, "mscratch": 0x340, "mepc": 0x341,
        "mcause": 0x342, "mip": 0x344}


def assemble(source):
    """Words of a program that starts at address 0.

    A line is a label ``name:``, an instruction, or both. Operands are registers ``x0`` to
    ``x31``, numbers, labels and CSR names; loads and stores are written ``lw x1, x2, 4``;
    ``.word`` puts a number, ``#`` starts a comment.
    """
    lines = [line.split("#")[0].replace(",", " ").split() for line in source.splitlines()]
    labels, program = {}, []
    for words in filter(None, lines):
        if words[0].endswith(":"):
            labels[words.pop(0)[:-1]] = 4 * len(program)
        if words:
            program.append(words)
    return [_encode(4 * index, name, [_operand(text, labels) for text in operands])
            for index, (name, *operands) in enumerate(program)]


def _operand(text, labels):
    if text in labels:
        return labels[text]
    if text in _CSR:
        return _CSR[text]
    return int(text[1:]) if text[0] == "x" and text[1:].isdigit() else int(text, 0)


def _encode(at, name, ops):
    if name == ".word":
        return ops[0] & 0xFFFFFFFF
    if name == "mret":
        return 0x30200073
    if name == "lui":
        return (ops[1] & 0xFFFFF) << 12 | ops[0] << 7 | 0x37
    if name == "auipc":
        return (ops[1] & 0xFFFFF) << 12 | ops[0] << 7 | 0x17
    if name == "jal":
        return _jump(ops[1] - at) | ops[0] << 7 | 0x6F
    if name == "jalr":
        return _i(ops[2], ops[1], 0, ops[0], 0x67)
    kind, funct = _KIND[name]
    if kind == "r":
        high = 0x20 if name in ("sub", "sra") else 0
        return high << 25 | ops[2] << 20 | ops[1] << 15 | funct << 12 | ops[0] << 7 | 0x33
    if kind == "i":
        value = ops[2] | (0x400 if name == "srai" else 0)
        return _i(value, ops[1], funct, ops[0], 0x13)
    if kind == "load":
        return _i(ops[2], ops[1], funct, ops[0], 0x03)
    if kind == "csr":
        return _i(ops[1], ops[2], funct, ops[0], 0x73)
    if kind == "store":
        offset = ops[2] & 0xFFF
        return (offset >> 5 << 25 | ops[0] << 20 | ops[1] << 15 | funct << 12
                | (offset & 31) << 7 | 0x23)
    offset = ops[2] - at
    return ((offset >> 12 & 1) << 31 | (offset >> 5 & 63) << 25 | ops[1] << 20 | ops[0] << 15
            | funct << 12 | (offset >> 1 & 15) << 8 | (offset >> 11 & 1) << 7 | 0x63)


def _i(value, rs1, funct, rd, opcode):
    return (value & 0xFFF) << 20 | rs1 << 15 | funct << 12 | rd << 7 | opcode


def _jump(offset):
    return ((offset >> 20 & 1) << 31 | (offset >> 1 & 0x3FF) << 21 | (offset >> 11 & 1) << 20
            | (offset >> 12 & 0xFF) << 12)
