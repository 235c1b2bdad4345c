package container

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// NewID makes a container's ID: 64 hex digits, the first twelve of which are no number, since docker's are a host name.
func NewID() string {
	for {
		var id [32]byte
		rand.Read(id[:])
		text := hex.EncodeToString(id[:])
		if strings.ContainsAny(text[:12], "abcdef") {
			return text
		}
	}
}

// ValidName tells whether docker takes a word for a container's name.
func ValidName(name string) bool { return validName.MatchString(name) }

var validName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

// FreeName makes up a name that is not taken: an adjective and a noun and, where many are taken, a number.
func FreeName(taken func(string) bool) string {
	for try := 0; ; try++ {
		name := pick(adjectives) + "_" + pick(nouns)
		if try >= 6 {
			name += fmt.Sprint(try - 5)
		}
		if !taken(name) {
			return name
		}
	}
}

func pick(words []string) string {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(len(words))))
	if err != nil {
		return words[0] // crypto/rand never fails
	}
	return words[i.Int64()]
}

var adjectives = strings.Fields(`
	agile amber ample apt balmy bold brave breezy brisk calm candid cheery civil clear clever cosy crisp curious deft
	devoted eager earnest easy fair fond frank free fresh gentle glad golden grand happy hardy honest humble jolly keen
	kind lively loyal lucid mellow merry mild modest neat nimble noble placid plucky polite proud quick quiet ready
	serene silver sleek smooth snug sober steady sunny swift tidy tranquil trusty upbeat vivid warm wise witty zesty`)

var nouns = strings.Fields(`
	alder anchor apple aspen badger barge basin beacon beech birch bison brook canyon cedar cliff clover comet coral
	crane creek cutter delta dune eagle elm falcon fern finch fjord forest garnet glacier grove harbor hawk hazel heron
	island ivy jetty juniper kestrel lagoon lantern larch lynx maple marsh meadow meteor moss oak orchid osprey otter
	pebble pine plover pond prairie quartz raven reef river robin sailor sparrow spruce summit swan tern thistle tide
	valley walnut willow wren yarrow zephyr`)
