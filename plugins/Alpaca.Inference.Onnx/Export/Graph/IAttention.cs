namespace Alpaca.Inference.Onnx;

/// <summary>A way to compute attention over a KV cache.</summary>
internal interface IAttention
{
    /// <summary>The version of ONNX's own operators that it needs.</summary>
    int OperatorSet { get; }

    /// <summary>The value of <see cref="GraphMetadata.KvCache"/>.</summary>
    string KvCache { get; }

    /// <summary>Adds softmax(q kᵀ / sqrt(head size)) v with rotated q and k, each position seeing those before it in the cache and itself.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="projected">q [B, T, heads * head size], k and v [B, T, KV heads * head size].</param>
    /// <param name="past">The cache of keys and values, [B, KV heads, P, head size].</param>
    /// <param name="present">The same with T positions more.</param>
    /// <returns>[B, T, heads * head size]</returns>
    string Attend(string name, (string Q, string K, string V) projected, (string Key, string Value) past, (string Key, string Value) present);
}
