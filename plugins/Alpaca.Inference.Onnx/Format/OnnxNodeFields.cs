namespace Alpaca.Inference.Onnx;

/// <summary>What a NodeProto says, as far as it matters for recognising an operator.</summary>
/// <param name="Name">The node's name.</param>
/// <param name="Domain">The operator's domain.</param>
/// <param name="Operator">The operator.</param>
/// <param name="Inputs">Inputs by name; an empty one is left out.</param>
/// <param name="Outputs">Outputs by name.</param>
/// <param name="Integers">The attributes that are integers.</param>
/// <param name="HasSubgraph">Whether an attribute is a graph.</param>
internal sealed record OnnxNodeFields(
    string Name, string Domain, string Operator, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyDictionary<string, long> Integers, bool HasSubgraph)
{
    /// <summary>An integer attribute, 0 when there is none of that name.</summary>
    public long Integer(string name) => Integers.GetValueOrDefault(name);

    /// <summary>Reads a node.</summary>
    /// <param name="node">A NodeProto.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static OnnxNodeFields Read(ReadOnlySpan<byte> node)
    {
        var (name, type, domain) = ("", "", "");
        var (inputs, outputs, integers, hasSubgraph) = (new List<string>(), new List<string>(), new Dictionary<string, long>(), false);
        for (var fields = new ProtobufFields(node); fields.Next();)
        {
            switch (fields.Number)
            {
                case 1: inputs.Add(fields.Text); break;
                case 2: outputs.Add(fields.Text); break;
                case 3: name = fields.Text; break;
                case 4: type = fields.Text; break;
                case 5: hasSubgraph |= ReadAttribute(fields.Bytes, integers); break;
                case 7: domain = fields.Text; break;
            }
        }

        return new OnnxNodeFields(name, domain, type, inputs, outputs, integers, hasSubgraph);
    }

    /// <returns>Whether it is a graph or a list of graphs.</returns>
    private static bool ReadAttribute(ReadOnlySpan<byte> attribute, Dictionary<string, long> integers)
    {
        var (name, isGraph) = ("", false);
        long? integer = null;
        for (var fields = new ProtobufFields(attribute); fields.Next();)
        {
            switch (fields.Number)
            {
                case 1: name = fields.Text; break;
                case 3: integer = fields.Integer; break;
                case 6 or 11: isGraph = true; break;
            }
        }

        if (integer is { } value) integers[name] = value;
        return isGraph;
    }
}
