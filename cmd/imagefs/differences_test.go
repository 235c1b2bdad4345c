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
}
