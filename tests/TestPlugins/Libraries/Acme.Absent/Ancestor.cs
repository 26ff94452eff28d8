namespace Acme.Absent;

/// <summary>A base class in a library that its user forgot to ship.</summary>
public abstract class Ancestor;
