package main

// difference is something in which imagefs does not answer as docker 20.10 does.
type difference struct {
	what, why string // a row of docs/cli.md
	line      string // a pattern of the script's lines in which it shows
	// docker is a pattern of what docker says, and imagefs what is to be there instead, as regexp.ReplaceAllString takes
	// them. What both say differently in each run is replaced in the answers of both.
	docker, imagefs string
	both            bool
}

var differences = []difference{
	{
		what: "`pull` does not say `Verifying Checksum`", why: "it is done while the bytes arrive",
		line: `pull`, docker: `(?m)^[0-9a-f]{12}: Verifying Checksum\n`,
	},
	{
		what: "`pull` says `Already exists` of each layer that is stored", why: "a layer is one whatever is below it; docker has it once for each chain",
		line:    `pull .*other:1`,
		docker:  `(?s)([0-9a-f]{12}): Download complete.*Verifying Checksum\n|([0-9a-f]{12}): Download complete.*Pulling fs layer\n`,
		imagefs: "$1$2: Already exists\n",
	},
	{
		what: "what a registry answers begins with its name", why: "it may have been a mirror's answer",
		line: `pull`, docker: `(?m)^(manifest for|repository) (\$REG)/`, imagefs: "$2: $1 $2/",
	},
	{
		what: "a registry that is not there is asked for the manifest at once", why: "one round trip less than with `/v2/`",
		line: `pull 127`, docker: `Get "http://(127.0.0.1:1)/v2/": dial`, imagefs: "$1: manifest for $1/x:latest: dial",
	},
	{
		what: "a bad name is cited", why: "the words of docker 28, whose library this is",
		line: `Upper`, docker: `(repository name) must be`, imagefs: "$1 (library/Upper) must be",
	},
	{
		what: "an image that is not there is called as it was typed, without `:latest`", why: "the word at fault is what a caret in `ctl/errors` stands below",
		line: `nope`, docker: `(No such image: nope):latest`, imagefs: "$1",
	},
	{
		what: "`invalid filter` begins with a small letter", why: "the words of docker 28",
		line: `-f|--filter`, docker: `(?m)^Invalid filter`, imagefs: "invalid filter",
	},
	{
		what: "the value of a bad `dangling` has no brackets", why: "there is one, not a list",
		line: `dangling=`, docker: `\[perhaps\]`, imagefs: "perhaps",
	},
	{
		what: "a template's error names another type", why: "it is Go's, of the type in the program",
		line: `Nope`, docker: `type \*formatter.imageContext`, imagefs: "type docker.ImageFields",
	},
	{
		what: "`inspect` has no Container and ContainerConfig where the config has none", why: "docker 28 has not, either",
		line:   `inspect web:v1`,
		docker: `(?s)        "Container": "",\n        "ContainerConfig": \{.*?\n        \},\n`,
	},
	{
		what: "`inspect` says that GraphDriver is imagefs", why: "layers are not directories of overlay2; docs/semantics.md",
		line:    `inspect web:v1`,
		docker:  `(?s)"GraphDriver": \{.*?"overlay2"`,
		imagefs: "\"GraphDriver\": {\n            \"Data\": null,\n            \"Name\": \"docker\"",
	},
	{
		what: "`inspect` says when an image was tagged", why: "it is another time",
		line: `inspect web:v1`, docker: `"LastTagTime": ".*"`, imagefs: `"LastTagTime": ""`, both: true,
	},
	{
		what: "`inspect` has the Descriptor of docker 28", why: "a push keeps it, and scripts look for it",
		line:    `inspect web:v1`,
		docker:  `(?s)("LastTagTime": ""\n        \}).*?\n    \}\n\]`,
		imagefs: "$1\n    }\n]", both: true,
	},
	{
		what: "`load` says of what is no archive of images what is wrong with it", why: "docker tells of its temporary directory",
		line:    `garbage`,
		docker:  `Error processing tar file\(exit status 1\): unexpected EOF`,
		imagefs: "unsupported image archive: it is cut short, or no tar",
	},
	{
		what: "`load` of nothing says that the archive is empty", why: "docker tells of its temporary directory",
		line: `/dev/null`, docker: `open .*/repositories: no such file or directory`, imagefs: "unsupported image archive: it is empty",
	},
	{
		what: "`load` of another tar says what it lacks", why: "docker tells of its temporary directory",
		line: `root.tar`, docker: `open .*/etc/json: no such file or directory`,
		imagefs: "unsupported image archive: neither manifest.json nor index.json in it names an image",
	},
	{
		what: "an image that was pushed has another digest", why: "what was pulled is pushed as it is, and what was loaded in an OCI manifest; docker makes a manifest of its own",
		line:    `push|copy`,
		docker:  `((?:digest|Digest): |@| 1 +)sha256:[0-9a-f]{64}( size: \d+)?`,
		imagefs: "${1}DIGEST", both: true,
	},
	{
		what: "`push` does not mount the layers of an image that was loaded", why: "docker remembers from which repository a layer came, also when it is gone",
		line: `push .*pushed:v1`, docker: `(?m)^([0-9a-f]{12}: )Mounted from box`, imagefs: "${1}Pushed",
	},
	{
		what: "`push` mounts a layer from another repository", why: "there are several that have it",
		line: `push .*copy:1`, docker: `Mounted from \w+`, imagefs: "Mounted from REPOSITORY", both: true,
	},
	{
		what: "`push` says when it sends an image without the index that its tag is", why: "the words of docker 28; docker 20.10 forgets the index",
		line:   `push .*copy:1`,
		docker: `(1: digest: DIGEST\n)`,
		imagefs: "${1}Not all multiplatform-content is present and only the available single-platform image was pushed\n" +
			"sha256:b272f32044a1ff83a7799a57d88b42fc438de698a954e0c0b89130feb98944b6 -> sha256:17eaf506e2e60a9c876fede85945665a191e70677e5733682028ed1a135dcc45\n",
	},
	{
		what: "`push` to a registry that is not there fails at the first blob", why: "one round trip less than with `/v2/`",
		line:    `push 127.*`,
		docker:  `(?s)([0-9a-f]{12}: Preparing\n)*--- stderr\n(Get .*|127.0.0.1:1: (blob|manifest).*): dial`,
		imagefs: "--- stderr\ndial", both: true,
	},
	{
		what: "`events` refuses a filter that it does not know", why: "docker shows everything then",
		line: `x=y >`, docker: `(?s)^--- stderr\n--- exit status 0`, imagefs: "--- stderr\ninvalid filter 'x'\n--- exit status 1",
	},
	{
		what: "`untag` is an event of each name that goes, by digest, too", why: "docker has one for a tag that takes its digests with it",
		line: `event=untag`, docker: `(?m)^18$`, imagefs: "22",
	},
}
