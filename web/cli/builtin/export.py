# Writes the trained model as GGUF: matrices in Q8_0, vectors as they are, the tokenizer and the template with them; then measures what
# is left of it. python export.py [--folder FOLDER] [OUT]
import argparse
import hashlib
import struct
from pathlib import Path

import numpy as np
import torch

from model import CONTEXT, DIM, EPSILON, FFN, HEAD_DIM, HEADS, KV_HEADS, LAYERS, THETA, Llama
from tokenizer import BEGIN, END, UNKNOWN
from train import FOLDER, HELD_OUT, loss_of, rows_of, tokenizer

OUT = Path(__file__).parents[3] / "public/builtin/cria-builtin.gguf"
ALIGNMENT = 32
U32, F32, FLAG, TEXT, ARRAY, I32 = 4, 6, 7, 8, 9, 5  # types of metadata, as ggml/docs/gguf.md numbers them
FLOATS, Q8_0 = 0, 8  # types of tensors

# Messages in turns, without a system's: it never learned any.
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def metadata(tokens):
    return {
        "general.architecture": (TEXT, "llama"),
        "general.name": (TEXT, "Cria Storyteller"),
        "general.description": (TEXT, "A demonstration: tells small stories about a young llama, and knows nothing else."),
        "general.license": (TEXT, "mit"),
        "general.file_type": (U32, 7),
        "general.quantization_version": (U32, 2),
        "llama.vocab_size": (U32, len(tokens.pieces)),
        "llama.context_length": (U32, CONTEXT),
        "llama.embedding_length": (U32, DIM),
        "llama.block_count": (U32, LAYERS),
        "llama.feed_forward_length": (U32, FFN),
        "llama.attention.head_count": (U32, HEADS),
        "llama.attention.head_count_kv": (U32, KV_HEADS),
        "llama.attention.layer_norm_rms_epsilon": (F32, EPSILON),
        "llama.rope.dimension_count": (U32, HEAD_DIM),
        "llama.rope.freq_base": (F32, THETA),
        "tokenizer.ggml.model": (TEXT, "llama"),
        "tokenizer.ggml.pre": (TEXT, "default"),
        "tokenizer.ggml.tokens": ((ARRAY, TEXT), tokens.pieces),
        "tokenizer.ggml.scores": ((ARRAY, F32), tokens.scores()),
        "tokenizer.ggml.token_type": ((ARRAY, I32), tokens.types()),
        "tokenizer.ggml.unknown_token_id": (U32, UNKNOWN),
        "tokenizer.ggml.bos_token_id": (U32, BEGIN),
        "tokenizer.ggml.eos_token_id": (U32, END),
        "tokenizer.ggml.add_bos_token": (FLAG, True),
        "tokenizer.ggml.add_space_prefix": (FLAG, False),
        "tokenizer.chat_template": (TEXT, TEMPLATE),
    }


def scalar(kind, value):
    if kind == TEXT:
        return struct.pack("<Q", len(value.encode())) + value.encode()
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", FLAG: "<?"}[kind], value)


def entry(key, kind, value):
    if isinstance(kind, tuple):
        items = b"".join(scalar(kind[1], item) for item in value)
        return scalar(TEXT, key) + struct.pack("<IIQ", *kind, len(value)) + items
    return scalar(TEXT, key) + struct.pack("<I", kind) + scalar(kind, value)


def pack(weights):
    """Q8_0: of each 32 weights a scale, as a half, and 32 signed bytes. weights [rows, columns]"""
    blocks = weights.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.hstack([scale.astype(np.float16).view(np.int8), np.round(blocks * inverse).astype(np.int8)]).tobytes()


def unpack(blocks, shape):
    rows = np.frombuffer(blocks, np.int8).reshape(-1, 34)
    return (rows[:, :2].copy().view(np.float16).astype(np.float32) * rows[:, 2:]).reshape(shape)


def gguf(model, tokens):
    """The file's bytes. `model` is left with the weights that the file has."""
    infos, data = b"", b""
    for name, parameter in model.named_parameters():
        weights, is_matrix = parameter.detach().numpy(), parameter.dim() > 1
        packed = pack(weights) if is_matrix else weights.tobytes()
        if is_matrix:
            parameter.data = torch.from_numpy(unpack(packed, weights.shape))
        full = name if name.endswith(".weight") else f"{name}.weight"
        infos += scalar(TEXT, full) + struct.pack(f"<I{weights.ndim}Q", weights.ndim, *reversed(weights.shape))
        infos += struct.pack("<IQ", Q8_0 if is_matrix else FLOATS, len(data))
        data += packed + bytes(-len(packed) % ALIGNMENT)
    entries = metadata(tokens)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(list(model.parameters())), len(entries))
    header += b"".join(entry(key, kind, value) for key, (kind, value) in entries.items()) + infos
    return header + bytes(-len(header) % ALIGNMENT) + data


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=Path, nargs="?", default=OUT)
    arguments.add_argument("--folder", type=Path, default=FOLDER)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    tokens = tokenizer()
    model = Llama(len(tokens.pieces))
    kept = torch.load(options.folder / "checkpoint.pt")
    model.load_state_dict(kept["model"])
    held_out = rows_of(tokens, HELD_OUT, 64)
    loss = lambda: np.mean([loss_of(model, held_out[i:i + 16]).item() for i in range(0, 64, 16)])
    with torch.no_grad():
        before, file, after = loss(), gguf(model, tokens), loss()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(file)
    print(f"{options.out.name}: step {kept['step']}, {len(file):,} bytes, sha256 {hashlib.sha256(file).hexdigest()}")
    print(f"held-out loss {before:.4f} as trained, {after:.4f} as written (nats a token)")


if __name__ == "__main__":
    main()
