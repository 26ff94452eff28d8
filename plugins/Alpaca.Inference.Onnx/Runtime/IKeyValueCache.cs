namespace Alpaca.Inference.Onnx;

/// <summary>The keys and values of all slots, and the runs of the graph that read and extend them.</summary>
internal interface IKeyValueCache : IDisposable
{
    /// <summary>Whether a pass may have several rows.</summary>
    bool TakesBatches { get; }

    /// <summary>Runs the graph. What the slots hold behind the positions of the new ids is forgotten.</summary>
    /// <param name="pass">The pass; its tensors are filled.</param>
    /// <param name="position">Where the first id of the first row goes.</param>
    /// <param name="hiddenSize">Elements of a hidden state where those are wanted, otherwise 0.</param>
    void Run(Pass pass, int position, int hiddenSize = 0);

    /// <summary>Copies the first positions of one slot to another.</summary>
    void Copy(int source, int target, int length);
}
