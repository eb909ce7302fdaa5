"""The services of the suite: how each is opened, and its own words for what goes wrong."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.profiler.llm.conformance import protocols
from tests.profiler.llm.conformance.protocols import Protocol

Words = tuple[int, str, str]
"""Status, code and message of an error."""


@dataclass(frozen=True)
class Service:
    """One service as the suite calls it.

    Attributes
    ----------
    name
        For the table.
    spec
        ``provider:model``.
    protocol
        Its form of calls and answers.
    keys
        Environment variables it is opened with, and their values.
    package
        What calls it.
    address
        What follows the server's own address in ``--base-url``.
    refusing
        A parameter that it refuses, with its words; None where nothing is sent that it may refuse.
    errors
        Its words, where they are not :data:`USUAL`.
    lacks
        Cases that cannot occur.
    """

    name: str
    spec: str
    protocol: Protocol
    keys: Mapping[str, str]
    package: str = "openai"
    address: str = "/v1"
    refusing: Words | None = None
    errors: Mapping[str, Words] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()

    @property
    def missing(self) -> str | None:
        """Why it cannot be called here; None where it can."""
        try:
            found = importlib.util.find_spec(self.package) is not None
        except ImportError:
            found = False
        return None if found else f"the package {self.package} is not installed"

    @property
    def key_name(self) -> str:
        """The variable that its key is read from."""
        return next(iter(self.keys))

    @property
    def key(self) -> str:
        """The key."""
        return self.keys[self.key_name]

    def words(self, case: str) -> Words:
        """How the service says that something is wrong."""
        return {**USUAL, **self.errors}[case]


def one(variable: str) -> dict[str, str]:
    """A key in its variable, of a form of its own for each service."""
    return {variable: f"sk-{variable.lower().replace('_', '-')}-0123456789"}


USUAL: dict[str, Words] = {
    "schema": (400, "invalid_request_error", "response_format json_schema is not supported"),
    "bad_request": (400, "context_length_exceeded", "the prompt has too many tokens"),
    "wrong_key": (401, "invalid_api_key", "Incorrect API key provided"),
    "no_permission": (403, "permission_error", "this key may not use the model"),
    "no_credit": (402, "insufficient_balance", "Insufficient Balance"),
    "unknown_model": (404, "model_not_found", "The model does not exist"),
    "timed_out": (408, "timeout", "the request took too long"),
    "limited": (429, "rate_limit_exceeded", "Rate limit reached"),
    "broken": (500, "server_error", "The server had an error"),
    "full": (503, "overloaded", "The service is overloaded"),
}
TEMPERATURE: Words = (
    400,
    "unsupported_value",
    "Unsupported value: 'temperature' does not support 0.0 with this model",
)

OPENAI = Service(
    "OpenAI",
    "openai:gpt-4o-mini",
    protocols.CHAT,
    one("OPENAI_API_KEY"),
    refusing=TEMPERATURE,
    errors={"no_credit": (429, "insufficient_quota", "You exceeded your current quota")},
)
SERVICES = (
    OPENAI,
    Service(
        "OpenAI Responses",
        "openai:gpt-5-pro",
        protocols.RESPONSES,
        one("OPENAI_API_KEY"),
        errors={
            "no_credit": OPENAI.words("no_credit"),
            "schema": (400, "invalid_request_error", "text.format json_schema is not supported"),
        },
        lacks=("parameter",),
    ),
    Service(
        "Azure",
        "azure_openai:gpt-4o",
        protocols.CHAT,
        one("AZURE_OPENAI_API_KEY") | {"OPENAI_API_VERSION": "2025-04-01-preview"},
        address="",
        refusing=TEMPERATURE,
        errors={
            "unknown_model": (404, "DeploymentNotFound", "The API deployment does not exist"),
            "no_credit": (429, "insufficient_quota", "You exceeded your current quota"),
        },
    ),
    Service(
        "Anthropic",
        "anthropic:claude-sonnet-4-5",
        protocols.ANTHROPIC,
        one("ANTHROPIC_API_KEY"),
        package="anthropic",
        address="",
        refusing=(400, "invalid_request_error", "`temperature` is deprecated for this model."),
        errors={
            "schema": (
                400,
                "invalid_request_error",
                "output_config: structured outputs are not supported by this model",
            ),
            "wrong_key": (401, "authentication_error", "invalid x-api-key"),
            "no_credit": (400, "invalid_request_error", "Your credit balance is too low"),
            "unknown_model": (404, "not_found_error", "model: claude-none"),
            "limited": (429, "rate_limit_error", "This request would exceed your rate limit"),
            "full": (529, "overloaded_error", "Overloaded"),
        },
    ),
    Service(
        "Gemini",
        "google_genai:gemini-2.5-flash",
        protocols.GEMINI,
        one("GOOGLE_API_KEY"),
        package="google.genai",
        address="",
        refusing=(400, "INVALID_ARGUMENT", "Unsupported field temperature for this model"),
        errors={
            "schema": (400, "INVALID_ARGUMENT", "response_json_schema is not supported"),
            "wrong_key": (
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
            ),
            "limited": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota"),
            "full": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
            "timed_out": (504, "DEADLINE_EXCEEDED", "The deadline has passed"),
            "no_credit": (402, "FAILED_PRECONDITION", "Billing is not enabled"),
        },
    ),
    Service(
        "Ollama",
        "ollama:llama3.2",
        protocols.OLLAMA,
        one("OLLAMA_API_KEY"),
        package="ollama",
        address="",
        errors={
            "schema": (400, "", "format must be a JSON schema or json: json_schema not supported"),
            "unknown_model": (404, "", "model 'llama3.2' not found"),
        },
        lacks=("refused", "filtered", "parameter"),
    ),
    Service(
        "Mistral",
        "mistralai:mistral-small-latest",
        protocols.MISTRAL,
        one("MISTRAL_API_KEY"),
        refusing=(422, "extra_forbidden", "temperature: Extra inputs are not permitted"),
    ),
    Service(
        "Groq",
        "groq:llama-3.3-70b-versatile",
        protocols.GROQ,
        one("GROQ_API_KEY"),
        refusing=TEMPERATURE,
        errors={"full": (498, "capacity_exceeded", "Flex tier capacity exceeded")},
    ),
    Service(
        "DeepSeek",
        "deepseek:deepseek-chat",
        protocols.DEEPSEEK,
        one("DEEPSEEK_API_KEY"),
        refusing=TEMPERATURE,
        errors={
            "schema": (400, "invalid_request_error", "json_object response_format unavailable"),
            "unknown_model": (400, "invalid_request_error", "Model Not Exist"),
        },
    ),
    Service(
        "xAI",
        "xai:grok-4",
        protocols.XAI,
        one("XAI_API_KEY"),
        refusing=TEMPERATURE,
        errors={"wrong_key": (400, "invalid-argument", "Incorrect API key provided: xa***")},
    ),
    Service(
        "OpenRouter",
        "openrouter:openai/gpt-4o-mini",
        protocols.OPENROUTER,
        one("OPENROUTER_API_KEY"),
        refusing=TEMPERATURE,
        errors={
            "no_credit": (402, "402", "Insufficient credits"),
            "unknown_model": (400, "400", "none/none is not a valid model ID"),
        },
    ),
    Service(
        "Bedrock",
        "bedrock_converse:anthropic.claude-sonnet-4-5-20250929-v1:0",
        protocols.BEDROCK,
        {
            "AWS_SECRET_ACCESS_KEY": "aws-secret-access-key-0123456789",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        package="boto3",
        address="",
        refusing=(400, "ValidationException", "`temperature` is deprecated for this model."),
        errors={
            "schema": (400, "ValidationException", "outputConfig is not supported by this model"),
            "bad_request": (400, "ValidationException", "Input is too long for requested model."),
            "wrong_key": (403, "UnrecognizedClientException", "The security token is invalid"),
            "no_permission": (403, "AccessDeniedException", "You don't have access to the model"),
            "unknown_model": (404, "ResourceNotFoundException", "Model not found"),
            "limited": (429, "ThrottlingException", "Too many requests"),
            "full": (503, "ServiceUnavailableException", "Too busy"),
            "timed_out": (408, "ModelTimeoutException", "The model timed out"),
        },
    ),
)
