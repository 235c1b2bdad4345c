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

var differences = []difference{}
