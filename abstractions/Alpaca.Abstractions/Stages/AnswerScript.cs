namespace Alpaca.Abstractions;

/// <summary>Writing systems that answers can be expected in.</summary>
public enum AnswerScript
{
    /// <summary>That of the known answer to the same question, or where none is known, the one that most known answers are in.</summary>
    Auto,

    /// <summary>Chinese characters.</summary>
    Han,

    /// <summary>The Latin alphabet.</summary>
    Latin,

    /// <summary>Whatever has letters or digits.</summary>
    Any,
}
