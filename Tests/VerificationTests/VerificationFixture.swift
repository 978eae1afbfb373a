import Storage
import SystemPackage
import TestSupport
import Testing

/// What make_verification.py recorded.
enum VerificationFixture {
    static func json(_ name: String) throws -> JSONValue {
        try InputFile.json(Fixture.directory.appending("verification").appending(name + ".json"))
    }
}

extension JSONValue {
    /// The numbers of an array; throws where it is none, or holds something else.
    func numbers() throws -> [Double] { try #require(array).map { try #require($0.number) } }

    func booleans() throws -> [Bool] { try #require(array).map { try #require($0.boolean as Bool?) } }
}
