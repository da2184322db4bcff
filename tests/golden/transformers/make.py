# Writes expected.json: the logits of the small models of tests/golden/publish/family.ts, as transformers computes them.
# Run with PyTorch 2.15 and transformers 5.23.0 (CPU is enough): python make.py. Weights come of their names, as in family.ts.
import json
import os
import tempfile

import numpy
import safetensors.torch
import torch
import transformers

DIM, FFN, HEADS, KV_HEADS, HEAD_DIM, LAYERS, VOCAB, EXPERTS, USED = 64, 96, 4, 2, 16, 2, 259, 4, 2
PROMPT = [1, 82, 110, 102, 104]  # <s>, then bytes
NUMBERS = dict(
    hidden_size=DIM, intermediate_size=FFN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=KV_HEADS,
    vocab_size=VOCAB, max_position_embeddings=512, rms_norm_eps=1e-5, tie_word_embeddings=False,
)  # fmt: skip


def by_name(name, *extents):
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    values = numpy.empty(int(numpy.prod(extents)))
    for i in range(len(values)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = state / 2**32 - 0.5
    around = 1 if "_norm" in name else 0
    return torch.tensor((around + values / 2).astype(numpy.float32)).reshape(extents)


def permute(weight, heads):  # transformers convert_llama_weights_to_hf.py
    rows = weight.shape[0]
    return weight.view(heads, rows // heads // 2, 2, -1).transpose(1, 2).reshape(weight.shape).contiguous()


def tensors(biased):
    state = {
        "model.embed_tokens.weight": by_name("token_embd.weight", VOCAB, DIM),
        "model.norm.weight": by_name("output_norm.weight", DIM),
        "lm_head.weight": by_name("output.weight", VOCAB, DIM),
    }
    for layer in range(LAYERS):
        ours, theirs = f"blk.{layer}", f"model.layers.{layer}"
        state[f"{theirs}.input_layernorm.weight"] = by_name(f"{ours}.attn_norm.weight", DIM)
        state[f"{theirs}.post_attention_layernorm.weight"] = by_name(f"{ours}.ffn_norm.weight", DIM)
        maps = [("attn_q", "self_attn.q_proj", HEADS * HEAD_DIM, DIM, HEADS)]
        maps += [("attn_k", "self_attn.k_proj", KV_HEADS * HEAD_DIM, DIM, KV_HEADS)]
        maps += [("attn_v", "self_attn.v_proj", KV_HEADS * HEAD_DIM, DIM, None)]
        maps += [("attn_output", "self_attn.o_proj", DIM, HEADS * HEAD_DIM, None)]
        if biased:
            maps += [("ffn_gate", "mlp.gate_proj", FFN, DIM, None), ("ffn_up", "mlp.up_proj", FFN, DIM, None)]
            maps += [("ffn_down", "mlp.down_proj", DIM, FFN, None)]
        else:
            maps += [("ffn_gate_inp", "block_sparse_moe.gate", EXPERTS, DIM, None)]
            for e in range(EXPERTS):
                maps += [(f"ffn_gate.{e}", f"block_sparse_moe.experts.{e}.w1", FFN, DIM, None)]
                maps += [(f"ffn_down.{e}", f"block_sparse_moe.experts.{e}.w2", DIM, FFN, None)]
                maps += [(f"ffn_up.{e}", f"block_sparse_moe.experts.{e}.w3", FFN, DIM, None)]
        for part, module, rows, cols, heads in maps:
            for kind, extents in [("weight", (rows, cols))] + ([("bias", (rows,))] if biased else []):
                values = by_name(f"{ours}.{part}.{kind}", *extents)
                state[f"{theirs}.{module}.{kind}"] = permute(values, heads) if heads else values
    return state


def logits(model_class, config, state):
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        safetensors.torch.save_file(state, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        model, report = model_class.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
        assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
        with torch.no_grad():
            found = model(torch.tensor([PROMPT])).logits[0]
    return [[round(value, 5) for value in row] for row in found.tolist()]


mixtral = transformers.MixtralConfig(
    **NUMBERS, num_local_experts=EXPERTS, num_experts_per_tok=USED, rope_parameters={"rope_type": "default", "rope_theta": 1e6}
)
llama = transformers.LlamaConfig(
    **NUMBERS, attention_bias=True, mlp_bias=True, rope_parameters={"rope_type": "default", "rope_theta": 1e4}
)
expected = {
    "program": f"transformers {transformers.__version__}, PyTorch {torch.__version__}",
    "prompt": PROMPT,
    "mixture": logits(transformers.MixtralForCausalLM, mixtral, tensors(False)),
    "biased": logits(transformers.LlamaForCausalLM, llama, tensors(True)),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json"), "w") as file:
    json.dump(expected, file, separators=(",", ":"))
    file.write("\n")
