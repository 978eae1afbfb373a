internal import Glibc

/// The process's environment.
package enum Environment {
    /// A variable's value; nil where it is not set, or empty.
    package static func value(of name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
