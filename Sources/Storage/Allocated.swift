/// What a C library made, which is nil only where not even a small allocation succeeds: Swift's own allocations end the process there too, and no
/// input leads to it.
package func allocated<Made>(_ made: Made?) -> Made {
    guard let made else { fatalError("out of memory") }
    return made
}
