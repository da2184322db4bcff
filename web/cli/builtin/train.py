# Trains the built-in model: python train.py. Python 3.11, PyTorch 2.15.0, numpy 2.4.6; README.md beside this file has the commands.
# Goes on from its last checkpoint; the same seed gives the same weights on one machine. Ends at 0.1363 nats a token on text it never saw.
import argparse
import math
import os
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from model import CONTEXT, Llama
from stories import documents
from tokenizer import BEGIN, BYTES, END, SPECIAL, train as train_tokenizer

SEED, VOCAB = 2026, 1536
ROWS, WARMUP = 16, 100
# First it learns to tell. Then what decides whether a story is the one that was asked for counts more: one token in 300 teaches slowly.
TELLING, LISTENING = 1800, 500
FOLDER = Path(__file__).parents[3] / ".cache/builtin"
START, NEWLINE = SPECIAL.index("<|im_start|>"), len(SPECIAL) + BYTES.index("<0x0A>")
HELD_OUT = 1  # seed of texts that are never trained on


def tokenizer():
    """The tokenizer that the first texts of the corpus give."""
    return train_tokenizer(islice(documents(SEED, 20000), 20000), VOCAB)


def rows_of(tokens, seed, count):
    """int16 [count, CONTEXT + 1]: each row starts with a text, and the last text in it is cut off."""
    texts = documents(seed, 10**9)
    rows = np.zeros((count, CONTEXT + 1), np.int16)
    for row in rows:
        ids = []
        while len(ids) < len(row):
            text = tokens.encode(next(texts))
            ids += [BEGIN, *text, *([END] if text[-1] != END else [])]
        row[:] = ids[:len(row)]
    return rows


def emphasis(rows):
    """How much each token of rows [n, CONTEXT + 1] counts: more for words of a request that its story's opening takes up, and for the
    first words after that opening, by which the plot is chosen."""
    weights = np.ones(rows.shape, np.float32)
    for row, weight in zip(rows, weights):
        turns = [*np.flatnonzero(row == START), len(row)]
        for request, answer, after in zip(turns[::2], turns[1::2], turns[2::2]):
            ends = [i for i in range(answer, after - 1) if row[i] == row[i + 1] == NEWLINE]
            if ends:
                weight[answer:ends[0]][np.isin(row[answer:ends[0]], row[request + 3:answer])] = 4
                weight[ends[0] + 2:ends[0] + 6] = 16
    return weights


def loss_of(model, rows, weights=None):
    """Mean cross-entropy of the next token, in nats. rows [n, CONTEXT + 1]"""
    ids = torch.from_numpy(rows.astype(np.int64))
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(ids[:, :-1])
    losses = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    if weights is None:
        return losses.mean()
    weights = torch.from_numpy(weights[:, 1:]).flatten()
    return (losses * weights).sum() / weights.sum()


def rate_at(step):
    """The learning rate: down a cosine while it learns to tell, and again, from lower down, while it learns to listen."""
    highest, step, steps = (3e-3, step, TELLING) if step < TELLING else (1.5e-3, step - TELLING, LISTENING)
    return highest * min((step + 1) / WARMUP, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("steps", type=int, nargs="?", default=TELLING + LISTENING)
    arguments.add_argument("--folder", type=Path, default=FOLDER)
    steps, folder = (options := arguments.parse_args()).steps, options.folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    tokens = tokenizer()
    data = folder / f"rows-{SEED}-{VOCAB}-{steps}.npy"
    if not data.exists():
        np.save(data, rows_of(tokens, SEED, steps * ROWS))
    rows, held_out = np.load(data, mmap_mode="r"), rows_of(tokens, HELD_OUT, 64)
    model = Llama(len(tokens.pieces))
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], betas=(0.9, 0.95))
    checkpoint, first = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        kept = torch.load(checkpoint)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        first = kept["step"]
    print(f"{sum(weight.numel() for weight in model.parameters()):,} parameters, {len(tokens.pieces)} pieces, from step {first}", flush=True)
    forward = torch.compile(model)
    started = time.time()
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step)
        batch = rows[step * ROWS:(step + 1) * ROWS]
        loss = loss_of(forward, batch, emphasis(batch) if step >= TELLING else None)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % 50 == 0:
            print(f"{step + 1:5d} {loss.item():.4f} {(time.time() - started) / (step + 1 - first):.2f} s/step", flush=True)
        if (step + 1) % 250 == 0 or step + 1 == steps:
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}, f"{checkpoint}.part")
            os.replace(f"{checkpoint}.part", checkpoint)
            with torch.no_grad():
                print(f"{step + 1:5d} held out {np.mean([loss_of(model, held_out[i:i + 16]).item() for i in range(0, 64, 16)]):.4f}", flush=True)


if __name__ == "__main__":
    main()
