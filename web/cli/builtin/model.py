# A LLaMA in PyTorch, for training: RMSNorm, RoPE, grouped queries, SwiGLU, and a head that is the embedding again.
# Tensors and the order of RoPE's pairs are as in a GGUF file of architecture "llama", so that weights are written as they are.
import torch
from torch import nn
from torch.nn import functional as F

DIM, LAYERS, HEADS, KV_HEADS, FFN, CONTEXT = 256, 4, 4, 2, 512, 512
HEAD_DIM = DIM // HEADS
EPSILON, THETA = 1e-5, 10000.0


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn_norm = nn.Parameter(torch.ones(DIM))
        self.attn_q = nn.Linear(DIM, HEADS * HEAD_DIM, bias=False)
        self.attn_k = nn.Linear(DIM, KV_HEADS * HEAD_DIM, bias=False)
        self.attn_v = nn.Linear(DIM, KV_HEADS * HEAD_DIM, bias=False)
        self.attn_output = nn.Linear(HEADS * HEAD_DIM, DIM, bias=False)
        self.ffn_norm = nn.Parameter(torch.ones(DIM))
        self.ffn_gate = nn.Linear(DIM, FFN, bias=False)
        self.ffn_up = nn.Linear(DIM, FFN, bias=False)
        self.ffn_down = nn.Linear(FFN, DIM, bias=False)

    def forward(self, x, cos, sin):
        """x [rows, positions, DIM]"""
        rows, positions, _ = x.shape
        y = F.rms_norm(x, (DIM,), self.attn_norm, EPSILON)
        q = rotate(self.attn_q(y).view(rows, positions, HEADS, HEAD_DIM), cos, sin).transpose(1, 2)
        k = rotate(self.attn_k(y).view(rows, positions, KV_HEADS, HEAD_DIM), cos, sin).transpose(1, 2)
        v = self.attn_v(y).view(rows, positions, KV_HEADS, HEAD_DIM).transpose(1, 2)
        k, v = (heads.repeat_interleave(HEADS // KV_HEADS, 1) for heads in (k, v))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn_output(attended.transpose(1, 2).reshape(rows, positions, HEADS * HEAD_DIM))
        y = F.rms_norm(x, (DIM,), self.ffn_norm, EPSILON)
        return x + self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y))


class Llama(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.token_embd = nn.Embedding(vocab, DIM)
        self.blk = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.output_norm = nn.Parameter(torch.ones(DIM))
        angles = torch.outer(torch.arange(CONTEXT), THETA ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM))
        self.register_buffer("cos", angles.cos().unsqueeze(1), persistent=False)  # [positions, 1, HEAD_DIM / 2]
        self.register_buffer("sin", angles.sin().unsqueeze(1), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                small = (2 * LAYERS) ** -0.5 if "output" in name or "ffn_down" in name else 1.0
                nn.init.normal_(weight, std=0.03 * small)

    def forward(self, ids):
        """ids [rows, positions] -> logits [rows, positions, vocab]"""
        x = self.token_embd(ids)
        positions = ids.shape[1]
        for layer in self.blk:
            x = layer(x, self.cos[:positions], self.sin[:positions])
        return F.linear(F.rms_norm(x, (DIM,), self.output_norm, EPSILON), self.token_embd.weight)


def rotate(x, cos, sin):
    """RoPE over neighbours: x [rows, positions, heads, HEAD_DIM]"""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(x.dtype)
